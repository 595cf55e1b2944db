"""The galleries of a study for its bundle: a table of all their images, and the first pictures of each."""

from __future__ import annotations

from rating.results.cache import Kept
from rating.results.exhibit import Cell, Table
from rating.results.gallery import MOST_REPORTED, REPORTED, galleries, words_of
from rating.results.query import Said, said_of
from rating.statistics.ratings_table import LABELS
from rating.studies.sets import members_of_sets
from rating.studies.study import Study

HEAD = ("gallery", "place", "image", "modality", "truth", "generator")


def galleries_csv(study: Study, kept: Kept) -> str:
    """One row per image of a gallery, most telling first, with every rater's label and remark."""
    columns = kept.columns()
    said: dict[str, list[Said]] = {}
    for one in said_of(study, session=columns.first_session):
        said.setdefault(one.image, []).append(one)
    given = ("real", "fake", "unsure") if columns.labels == LABELS else columns.labels
    rows: list[list[Cell]] = [
        [
            *(name, place, image.code, image.modality, image.truth, image.generator),
            *(image.given(label) for label in given),
            "; ".join(f"{one.rater} {one.label}" for one in said[image.code]),
            "; ".join(f"{one.rater}: {words}" for one in said[image.code] if (words := words_of(one))),
        ]
        for name, those in galleries(columns).items()
        if name in REPORTED
        for place, image in enumerate(those, start=1)
    ]
    return Table((*HEAD, *given, "labels", "remarks"), rows).csv()


def gallery_pictures(study: Study, kept: Kept) -> dict[str, bytes]:
    """The blinded picture of each image that the report's galleries show, as raters saw it."""
    found = galleries(kept.columns())
    codes = {image.code for name in REPORTED for image in found.get(name, [])[:MOST_REPORTED]}
    if study.shows_sets:
        members = members_of_sets(study)
        codes = {member for code in codes for member in members[code]}
    pictures: dict[str, bytes] = {}
    for one in study.images.filter(code__in=codes):
        with one.derivative.open("rb") as derivative:
            pictures[f"images/{one.code}.png"] = derivative.read()
    return pictures
