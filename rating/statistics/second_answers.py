"""Answers to one second question of one session: counted by truth, held against findings, and how well raters agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rating.statistics.accuracy.fool_rate import share_over_raters
from rating.statistics.agreement.alpha import alpha, interval_alpha
from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.arrays import Flags, Floats, Ints
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean

ALL = "all"
CHOICE, MULTIPLE, SCALE, NUMBER, TEXT = "choice", "multiple", "scale", "number", "text"
NO_FINDING = "No image that was answered has one of the choices as its finding."

Value = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecondAnswers:
    """What raters answered, by rater and image; `options` are the choices, or the steps of a scale."""

    code: str
    words: str
    kind: str
    session: int
    options: tuple[str, ...]
    is_diagnosis: bool
    answers: Mapping[tuple[str, str], Value]


@dataclass(frozen=True, slots=True)
class SecondText:
    rater: str
    image: str
    text: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of n answers; a scale's steps count as numbers too."""

    n: int
    mean: float
    sd: float | None
    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class SecondResults:
    """Of one question and session. counts: {truth or "all": {option: answers}}; numbers likewise; accuracy by truth too.

    accuracy is None where the question is no diagnosis or the truth is not known; `without_finding` images have none of
    the choices as their finding, and count in no accuracy.
    """

    code: str
    words: str
    kind: str
    session: int
    raters: int
    images: int
    answers: int
    counts: dict[str, dict[str, int]]
    numbers: dict[str, Numbers]
    agreement: dict[str, Estimate]
    accuracy: dict[str, RandomMean] | None
    without_finding: int
    texts: tuple[SecondText, ...]


def second_results(
    second: SecondAnswers,
    raters: Sequence[str],
    images: Sequence[str],
    truth: Sequence[str],
    finding: Sequence[str],
) -> SecondResults:
    """The numbers of these raters and images; truth and finding of each image, empty while they are not known."""
    rows = {name: place for place, name in enumerate(raters)}
    columns = {name: place for place, name in enumerate(images)}
    cells = {
        (rows[rater], columns[image]): value
        for (rater, image), value in second.answers.items()
        if rater in rows and image in columns
    }
    answered: Flags = np.zeros((len(raters), len(images)), dtype=np.bool_)
    for cell in cells:
        answered[cell] = True
    arms = _arms(truth)
    ticked = {option: _matrix(cells, answered, option) for option in second.options}
    numbers = _numbers(cells, answered) if second.kind in {SCALE, NUMBER} else None
    has_finding = np.array(
        [name.strip().casefold() in _lower(second.options) for name in finding], dtype=np.bool_
    )
    return SecondResults(
        code=second.code,
        words=second.words,
        kind=second.kind,
        session=second.session,
        raters=int(answered.any(axis=1).sum()),
        images=int(answered.any(axis=0).sum()),
        answers=len(cells),
        counts={
            arm: {option: int(hits[:, of_arm].sum()) for option, hits in ticked.items()}
            for arm, of_arm in arms.items()
        },
        numbers={}
        if numbers is None
        else {arm: part for arm, of_arm in arms.items() if (part := _summary(numbers[:, of_arm]))},
        agreement=_agreement(second.kind, ticked, answered, numbers),
        accuracy=_accuracy(cells, answered, finding, has_finding, arms)
        if second.is_diagnosis and any(truth)
        else None,
        without_finding=int((answered.any(axis=0) & ~has_finding).sum())
        if second.is_diagnosis and any(truth)
        else 0,
        texts=tuple(
            SecondText(raters[row], images[column], str(cells[row, column]))
            for row, column in sorted(cells, key=lambda cell: (cell[1], cell[0]))
        )
        if second.kind == TEXT
        else (),
    )


def _arms(truth: Sequence[str]) -> dict[str, Flags]:
    """Which images are real, which are fakes, and all; of a blinded study all alone."""
    words = np.array(truth, dtype=object)
    arm_names = ("fake", "real") if any(truth) else ()
    all_images: Flags = np.ones(len(truth), dtype=np.bool_)
    return {**{arm: np.asarray(words == arm) for arm in arm_names}, ALL: all_images}


def _matrix(cells: Mapping[tuple[int, int], Value], answered: Flags, option: str) -> Flags:
    """Where this option was the answer, or among several."""
    hits = np.zeros_like(answered)
    for cell, value in cells.items():
        hits[cell] = option in value if isinstance(value, tuple) else option == _text(value)
    return hits


def _numbers(cells: Mapping[tuple[int, int], Value], answered: Flags) -> Floats:
    values: Floats = np.full(answered.shape, np.nan)
    for cell, value in cells.items():
        if isinstance(value, int | float):
            values[cell] = value
    return values


def _summary(values: Floats) -> Numbers | None:
    numbers = values[~np.isnan(values)]
    if not len(numbers):
        return None
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    return Numbers(
        len(numbers),
        float(numbers.mean()),
        sd,
        float(np.median(numbers)),
        float(numbers.min()),
        float(numbers.max()),
    )


def _agreement(
    kind: str, ticked: Mapping[str, Flags], answered: Flags, numbers: Floats | None
) -> dict[str, Estimate]:
    if kind == TEXT:
        return {}
    if kind == MULTIPLE:
        return {
            f"fleiss_kappa: {option}": coefficients(_yes_and_no(hits, answered))["fleiss_kappa"]
            for option, hits in ticked.items()
        }
    if kind == NUMBER:
        assert numbers is not None  # noqa: S101  (of this kind they are there)
        return {"krippendorff_interval": interval_alpha(numbers)}
    counts = np.stack([hits.sum(axis=0) for hits in ticked.values()], axis=1)
    of_all = coefficients(counts)
    nominal = {name: of_all[name] for name in ("percent_agreement", "fleiss_kappa", "krippendorff_alpha")}
    if kind == CHOICE:
        return nominal
    return {
        "percent_agreement": nominal["percent_agreement"],
        "krippendorff_ordinal": alpha(counts, "ordinal"),
        "krippendorff_interval": alpha(counts, "interval"),
    }


def _yes_and_no(hits: Flags, answered: Flags) -> Ints:
    yes = (hits & answered).sum(axis=0)
    return np.stack([yes, answered.sum(axis=0) - yes], axis=1)


def _accuracy(
    cells: Mapping[tuple[int, int], Value],
    answered: Flags,
    finding: Sequence[str],
    has_finding: Flags,
    arms: Mapping[str, Flags],
) -> dict[str, RandomMean]:
    right = np.zeros_like(answered)
    for (row, column), value in cells.items():
        right[row, column] = _text(value).casefold() == finding[column].strip().casefold()
    return {
        arm: share_over_raters(
            right[:, of_arm & has_finding], answered[:, of_arm & has_finding], why_none=NO_FINDING
        )
        for arm, of_arm in arms.items()
    }


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _lower(options: Sequence[str]) -> set[str]:
    return {option.strip().casefold() for option in options}
