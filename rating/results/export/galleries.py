"""The galleries of a study for its bundle: a table of all their images, and which images they begin with."""

from __future__ import annotations

from rating.results.cache import ResultCache
from rating.results.exhibit import Cell, Table
from rating.results.gallery import MOST_REPORTED, REPORTED, galleries, words_of
from rating.results.query import Response, responses_of
from rating.statistics.ratings_table import LABELS
from rating.studies.sampling.generators import generators_in_words
from rating.studies.sampling.sets import members_of_sets
from rating.studies.study import Study

LOST = "images/LOST.txt"
HEAD = ("gallery", "place", "image", "modality", "truth", "generator")


def galleries_csv(study: Study, cache: ResultCache) -> str:
    """One row per image of a gallery, most telling first, with every rater's label and remark."""
    columns = cache.columns()
    answers: dict[str, list[Response]] = {}
    for answer in responses_of(study, session=columns.first_session):
        answers.setdefault(answer.image, []).append(answer)
    labels = ("real", "fake", "unsure") if columns.labels == LABELS else columns.labels
    rows: list[list[Cell]] = [
        [
            *(name, place, image.code, image.modality, image.truth, image.generator),
            *(image.count_of(label) for label in labels),
            "; ".join(f"{answer.rater} {answer.label}" for answer in answers[image.code]),
            "; ".join(
                f"{answer.rater}: {words}" for answer in answers[image.code] if (words := words_of(answer))
            ),
        ]
        for name, images in galleries(columns, generators=generators_in_words(study)).items()
        if name in REPORTED
        for place, image in enumerate(images, start=1)
    ]
    return Table((*HEAD, *labels, "labels", "remarks"), rows).csv()


def gallery_codes(study: Study, cache: ResultCache) -> set[str]:
    """The images that the report's galleries show; of a set, all of its images."""
    every = galleries(cache.columns())
    codes = {image.code for name in REPORTED for image in every.get(name, [])[:MOST_REPORTED]}
    if study.shows_sets:
        members = members_of_sets(study)
        codes = {member for code in codes for member in members[code]}
    return codes
