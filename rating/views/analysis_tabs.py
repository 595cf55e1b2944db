"""The links above every page of an analysis: tabs for what is asked, and the questions of the one that is open."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from rating.models import Study
from rating.results.questions import GROUPS, QUESTIONS
from rating.results.study_results import StudyResults

OVERVIEW, IMAGES, REMARKS = "overview", "images", "remarks"


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class AnalysisTabs:
    groups: list[Link]
    questions: list[Link]  # of the open group


def analysis_tabs(study: Study, results: StudyResults, page: str, query: str = "") -> AnalysisTabs:
    """A tab leads to the first question of its group; questions without an answer have no link."""
    titles = _titles(study, results)
    pages = [
        (group, [name for name in names if name in titles])
        for group, names in zip((title for title, _ in GROUPS), _pages(), strict=True)
    ]
    groups = [Link("Overview", _address(study, OVERVIEW, query), page == OVERVIEW)]
    groups += [
        Link(group, _address(study, names[0], query), page in names) for group, names in pages if names
    ]
    is_open = next((names for _, names in pages if page in names), [])
    questions = [Link(titles[name], _address(study, name, query), page == name) for name in is_open]
    return AnalysisTabs(groups, questions)


def _pages() -> list[tuple[str, ...]]:
    """The pages of each group: the first also shows the images, the last what raters wrote."""
    first, *between, last = (names for _, names in GROUPS)
    return [(*first, IMAGES), *between, (*last, REMARKS)]


def _titles(study: Study, results: StudyResults) -> dict[str, str]:
    titles = {
        question.name: question.title
        for question in QUESTIONS
        if question.exhibits_of(results) and (study.is_unblinded or not question.needs_truth)
    }
    return {**titles, IMAGES: "Which images?", REMARKS: "What did they write?"}


def _address(study: Study, page: str, query: str) -> str:
    names = {OVERVIEW: "analysis", IMAGES: "analysis_images", REMARKS: "analysis_remarks"}
    path = (
        reverse(f"rating:{names[page]}", args=[study.slug])
        if page in names
        else reverse("rating:analysis_question", args=[study.slug, page])
    )
    return f"{path}?{query}" if query and page != OVERVIEW else path
