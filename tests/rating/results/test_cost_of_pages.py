"""What a page of an analysis reads does not grow with what else the site holds."""

from typing import Any

import pytest
from django.urls import reverse

from pool.models import Image
from rating.models import Study
from rating.results import cache
from rating.results.cache import states_of
from rating.views import images_and_remarks
from tests.database_work import Work, analyze, database_work
from tests.rating.cast import open_study, organiser, rate_all
from tests.rating.long_study import long_study

pytestmark = pytest.mark.django_db
OWN, ELSEWHERE = 400, (1000, 6000)


def state(study: Study) -> tuple[Any, Work]:
    analyze()
    with database_work() as work:
        states = states_of([study])
    return states[study.pk], work


def test_the_state_of_a_study_is_told_from_its_own_images_alone(rater: Any) -> None:
    study = long_study("Own", raters=[rater], images=OWN)
    study.state = Study.State.UNBLINDED  # as far as its numbers go
    works = []
    for number, images in enumerate(ELSEWHERE):
        long_study(f"Elsewhere {number}", raters=[], images=images)
        Image.objects.update(label="normal")
        works.append(state(study)[1])

    few, many = works
    assert len(many.queries) == len(few.queries)
    assert many.rows <= few.rows + 20


def test_a_finding_that_becomes_known_later_is_another_state(rater: Any) -> None:
    study = long_study("Own", raters=[rater], images=OWN)
    study.state = Study.State.UNBLINDED

    before, _ = state(study)
    Image.objects.filter(pk=study.images.all()[0].image_id).update(label="nodule")
    after, _ = state(study)

    assert before != after


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("analysis", []),
        ("analysis_question", ["generators"]),
        ("analysis_figure", ["labels-by-truth", "svg"]),
        ("analysis_images", []),
        ("analysis_remarks", []),
        ("report", ["html"]),
        ("study", []),
    ],
)
def test_a_page_asks_once_how_its_study_stands(
    rater: Any, browser: Any, monkeypatch: pytest.MonkeyPatch, name: str, words: list[str]
) -> None:
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake")
    study.close(organiser())
    study.unblind(organiser(), "All have read.")
    reads = []

    def counted(studies: list[Study]) -> Any:
        reads.append(studies)
        return states_of(studies)

    monkeypatch.setattr(cache, "states_of", counted)
    answer = browser.get(reverse(f"rating:{name}", args=[study.slug, *words]))

    assert answer.status_code == 200
    assert len(reads) == 1


@pytest.mark.parametrize(("raters", "images"), [(1, 48), (25, 48), (50, 24), (100, 12), (1000, 12)])
def test_a_page_of_galleries_has_as_many_images_as_leave_it_about_a_thousand_answers(
    raters: int, images: int
) -> None:
    assert images_and_remarks.images_a_page(raters) == images


def test_the_answers_on_a_page_of_galleries_do_not_grow_with_the_raters(
    rater: Any, other_rater: Any, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_and_remarks, "MOST_ANSWERS", 4)
    monkeypatch.setattr(images_and_remarks, "FEWEST_IMAGES", 1)
    answers = {}
    for raters in ([rater], [rater, other_rater]):
        study = open_study(f"Of {len(raters)}", raters=raters, real=3, fake=3)
        for each in raters:
            rate_all(study, each, "fake")
        study.close(organiser())
        answers[len(raters)] = page(study, "analysis_images", show="all").count('<i class="swatch fake">')

    assert answers == {1: 4, 2: 4}
