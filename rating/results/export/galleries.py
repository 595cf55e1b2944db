"""The galleries of a study for its bundle: a table of all their images, and the first pictures of each."""

from __future__ import annotations

from rating.results.cache import ResultCache
from rating.results.exhibit import Cell, Table
from rating.results.gallery import MOST_REPORTED, REPORTED, galleries, words_of
from rating.results.query import Response, responses_of
from rating.statistics.ratings_table import LABELS
from rating.studies.sets import members_of_sets
from rating.studies.study import Study

HEAD = ("gallery", "place", "image", "modality", "truth", "generator")


def galleries_csv(study: Study, cache: ResultCache) -> str:
    """One row per image of a gallery, most telling first, with every rater's label and remark."""
    columns = cache.columns()
    responses_by_image: dict[str, list[Response]] = {}
    for response in responses_of(study, session=columns.first_session):
        responses_by_image.setdefault(response.image, []).append(response)
    labels = ("real", "fake", "unsure") if columns.labels == LABELS else columns.labels
    rows: list[list[Cell]] = [
        [
            *(name, place, image.code, image.modality, image.truth, image.generator),
            *(image.count_of(label) for label in labels),
            "; ".join(f"{response.rater} {response.label}" for response in responses_by_image[image.code]),
            "; ".join(
                f"{response.rater}: {words}"
                for response in responses_by_image[image.code]
                if (words := words_of(response))
            ),
        ]
        for name, images in galleries(columns).items()
        if name in REPORTED
        for place, image in enumerate(images, start=1)
    ]
    return Table((*HEAD, *labels, "labels", "remarks"), rows).csv()


def gallery_images(study: Study, cache: ResultCache) -> dict[str, bytes]:
    """The blinded picture of each image that the report's galleries show, as raters saw it."""
    images_by_gallery = galleries(cache.columns())
    codes = {image.code for name in REPORTED for image in images_by_gallery.get(name, [])[:MOST_REPORTED]}
    if study.shows_sets:
        members = members_of_sets(study)
        codes = {member for code in codes for member in members[code]}
    files: dict[str, bytes] = {}
    for study_image in study.images.filter(code__in=codes):
        with study_image.derivative.open("rb") as derivative:
            files[f"images/{study_image.code}.png"] = derivative.read()
    return files
