"""The remarks of a part of a study that have the words sought, as CSV, read a few images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rating.results.display_names import MODALITIES
from rating.results.query import stored_responses
from rating.results.remarks import Remark, remarks_table
from rating.statistics.columns import StudyColumns
from rating.studies.images import StudyImage
from rating.studies.study import Study

PAGE = 5_000  # ratings read at once, at most


@dataclass(frozen=True, slots=True)
class RemarkFilter:
    """What is sought: words, one label or any (empty), in one session, by the raters and on the images of `facts`."""

    facts: StudyColumns
    session: int
    label: str = ""
    words: str = ""
    first_phase: bool = False

    def lets_through(self, remark: Remark) -> bool:
        answer = remark.response
        return self.label in {"", answer.label} and self.words.lower() in answer.remark.lower()


def filtered_remark_lines(study: Study, chosen: RemarkFilter) -> Iterator[str]:
    """The header, then the remarks by modality, image and rater, a page at a time."""
    yield _csv_of(study, chosen, [])
    for remarks in _remark_pages(study, chosen):
        _head, _, lines = _csv_of(study, chosen, remarks).partition("\r\n")
        yield lines


def _csv_of(study: Study, chosen: RemarkFilter, remarks: list[Remark]) -> str:
    return remarks_table(remarks, with_truth=study.is_unblinded, first_phase=chosen.first_phase).csv()


def _remark_pages(study: Study, chosen: RemarkFilter) -> Iterator[list[Remark]]:
    facts, raters = chosen.facts, set(chosen.facts.raters)
    keys = dict(StudyImage.objects.filter(study=study).order_by().values_list("code", "pk"))
    modality = [MODALITIES[name] for name in facts.modality]
    by_modality = sorted(range(len(facts.images)), key=modality.__getitem__)  # by image they are already
    size = max(1, PAGE // max(1, len(raters)))
    for start in range(0, len(by_modality), size):
        places = by_modality[start : start + size]
        of_image = {facts.images[place]: (modality[place], facts.truth[place]) for place in places}
        answers = stored_responses(study, [keys[code] for code in of_image], chosen.session, text_only=True)
        remarks = [
            Remark(answer, *of_image[answer.image])
            for answer in answers
            if answer.remark and answer.rater in raters
        ]
        order = {code: at for at, code in enumerate(of_image)}
        remarks.sort(key=lambda remark: order[remark.response.image])
        yield [remark for remark in remarks if chosen.lets_through(remark)]
