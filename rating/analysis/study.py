"""The one module of the analysis that asks the database: what raters said in a study, as plain rows."""

from __future__ import annotations

from dataclasses import dataclass

from pool.models import Modality
from rating.analysis.table import RatingsTable
from rating.models import Presentation, Sitting, Study


@dataclass(frozen=True, slots=True)
class Reading:
    """One rater's standing word on one image. `truth` is empty until the study is unblinded."""

    rater: str
    image: str
    modality: str
    truth: str
    label: str
    remark: str

    @property
    def modality_name(self) -> str:
        return Modality(self.modality).label


def readings(study: Study) -> list[Reading]:
    """Every rating of the study's main images, by rater and image code.

    Of several sessions the first; sittings started over, withdrawn or unblinded are left out.
    """
    rows = (
        Presentation.objects.filter(
            sitting__in=Sitting.objects.counted().filter(enrolment__study=study, session=1),
            kind=Presentation.Kind.MAIN,
            rating__isnull=False,
        )
        .order_by("sitting__enrolment__number", "study_image__code")
        .values_list(
            "sitting__enrolment__number",
            "study_image__code",
            "study_image__image__modality",
            "study_image__image__origin",
            "rating__label",
            "rating__remark",
        )
    )
    return [
        Reading(
            f"R{number:02}", code, modality, truth_word(origin) if study.is_unblinded else "", label, remark
        )
        for number, code, modality, origin, label, remark in rows
    ]


def truth_word(origin: str) -> str:
    """An image's origin in the words of the labels."""
    return "real" if origin == "real" else "fake"


def table_of(rows: list[Reading]) -> RatingsTable:
    return RatingsTable.from_rows((row.rater, row.image, row.label, row.modality) for row in rows)
