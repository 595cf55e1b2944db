"""What the audit says of near-copies: in the study, and of other real images; and what the search would have found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from pool.copies.rule import FALSE_ALARMS, Calibration
from rating.blinding.checks import counted, listed
from rating.blinding.findings import LEAST_POWER, Finding, Verdict

IN_STUDY = "Duplicates in the study"
OF_TRAINING = "Copies of training images"
FEW = "Show more real images, or say in the methods that this could hardly be tested."


class SearchJSON(TypedDict):
    """A search as an audit stores it."""

    modality: str
    threshold: float
    caught: int
    planted: int


@dataclass(frozen=True, slots=True)
class Searched:
    """One search of the audit: in images of which modality, and by which rule."""

    modality: str
    rule: Calibration

    def as_json(self) -> SearchJSON:
        return {
            "modality": self.modality,
            "threshold": round(self.rule.threshold, 4),
            "caught": self.rule.caught,
            "planted": self.rule.planted,
        }


def check_near_copies(
    pairs: Sequence[tuple[str, str, bool, bool]], searches: Sequence[Searched] = ()
) -> Finding:
    """`pairs` are codes of near-copies, or of an edit and its source, within the study, and whether each of the two is generated."""
    across = [pair for pair in pairs if pair[2] != pair[3]]
    within = [pair for pair in pairs if pair[2] == pair[3]]
    detail = {"across": len(across), "within": len(within), "searches": _as_json(searches)}
    if across:
        return Finding(
            IN_STUDY,
            Verdict.RED,
            f"Real and generated images are near-copies of each other, or one starts from the other ({counted(len(across), 'pair', 'pairs')}).",
            "Leave out the generated one of each pair and freeze again.",
            detail,
            codes=[pair[:2] for pair in (*across, *within)],
            leave_out=sorted(
                {pair[0] if pair[2] else pair[1] for pair in across} | {pair[1] for pair in within}
            ),
        )
    if within:
        return Finding(
            IN_STUDY,
            Verdict.AMBER,
            f"Images of one arm are near-copies of each other ({counted(len(within), 'pair', 'pairs')}).",
            "Leave out one of each pair and freeze again, so that raters do not meet the same image twice.",
            detail,
            codes=[pair[:2] for pair in within],
            leave_out=sorted({pair[1] for pair in within}),
        )
    clear = Finding(IN_STUDY, Verdict.GREEN, "No image is a near-copy of another.", detail=detail)
    return _as_far_as_seen(clear, searches)


def check_training_copies(
    copies: Sequence[tuple[str, str]],
    *,
    unknown: int,
    generated: int,
    compared: int,
    searches: Sequence[Searched] = (),
) -> Finding:
    """`copies` are codes of generated images beside the dataset that holds what they copy."""
    detail = {"searches": _as_json(searches)}
    if copies:
        per_dataset = Counter(dataset for _, dataset in copies)
        datasets = [f"{count} of “{dataset}”" for dataset, count in sorted(per_dataset.items())]
        return Finding(
            OF_TRAINING,
            Verdict.RED,
            f"{counted(len(copies), 'generated image is a near-copy', 'generated images are near-copies')} of real ones "
            f"that their model may have learnt by heart ({listed(datasets)}).",
            "Leave them out and freeze again; report them as memorised.",
            {**detail, "copies": dict(per_dataset)},
            codes=[[code] for code, _ in copies],
            leave_out=[code for code, _ in copies],
        )
    if unknown:
        unrecorded = Finding(
            OF_TRAINING,
            Verdict.UNKNOWN,
            f"For {unknown} of {generated} generated images no record says what their model was trained on; "
            f"none copies any of the pool's {compared} other real images.",
            "If you have the training images, import them as a dataset and run the audit again.",
            detail,
        )
        return _as_far_as_seen(unrecorded, searches)
    if not generated:
        return Finding(OF_TRAINING, Verdict.GREEN, "The study has no generated images.")
    reason = f"No generated image copies any of {compared} other real images."
    return _as_far_as_seen(Finding(OF_TRAINING, Verdict.GREEN, reason, detail=detail), searches)


def _as_far_as_seen(finding: Finding, searches: Sequence[Searched]) -> Finding:
    """The finding beside what its searches would have found: never green where they would rather have missed a copy."""
    if not searches:
        return finding
    sentence = " ".join(_in_words(search, several=len(searches) > 1) for search in searches)
    blind = any(search.rule.caught < LEAST_POWER * max(search.rule.planted, 1) for search in searches)
    if not blind or finding.verdict != Verdict.GREEN:
        return replace(finding, reason=f"{finding.reason} {sentence}")
    return replace(
        finding,
        verdict=Verdict.UNKNOWN,
        reason=f"{finding.reason} {sentence} So that none was seen says little.",
        remedy=FEW,
    )


def _in_words(search: Searched, *, several: bool) -> str:
    rule = search.rule
    of_modality = f" ({search.modality})" if several else ""
    if not rule.planted:
        return f"{rule.reason}{of_modality}"
    return (
        f"Of {rule.planted} copies planted among the real images (mirrored, turned, cropped, saved anew) it would have found "
        f"{rule.caught}{of_modality}; where there is none it finds one in {FALSE_ALARMS:.0%} of studies at most."
    )


def _as_json(searches: Sequence[Searched]) -> list[SearchJSON]:
    return [search.as_json() for search in searches]
