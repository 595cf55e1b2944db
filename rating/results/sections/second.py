"""What else did raters say of each image: the second questions of a study, each with its counts, agreement and accuracy."""

from __future__ import annotations

from collections.abc import Iterator

from rating.results.display_names import COEFFICIENTS
from rating.results.exhibit import ESTIMATE, Cell, Exhibit, Table, estimate_cells, methods_note
from rating.results.study_results import StudyResults
from rating.statistics.columns import StudyColumns
from rating.statistics.second_answers import ALL, TEXT, SecondAnswers, SecondResults, second_results

NAMES = {
    **COEFFICIENTS,
    "krippendorff_ordinal": "Krippendorff α (ordinal)",
    "krippendorff_interval": "Krippendorff α (interval)",
}
TICKS = (
    "Of a question with any of several answers: whether each was ticked or not; none ticked is an answer too."
)
BY_FINDING = (
    "Right where the answer is the image's finding as its dataset has it, over raters and images like these. Images whose "
    "finding is none of the choices are left out: {}."
)


def all_second_results(answers: list[SecondAnswers], columns: StudyColumns) -> tuple[SecondResults, ...]:
    """Of the raters and images of these columns."""
    return tuple(
        second_results(each, columns.raters, columns.images, columns.truth, columns.finding)
        for each in answers
    )


def asks_more(results: StudyResults) -> bool:
    """Of studies with second questions."""
    return bool(results.second)


def _name(part: SecondResults) -> list[Cell]:
    return [part.words, part.session]


def _rows(results: StudyResults) -> Iterator[tuple[SecondResults, str, str, int, int]]:
    for part in results.second:
        for arm, counts in part.counts.items():
            total = sum(counts.values())
            for option, n in counts.items():
                yield part, arm, option, n, total


def counts(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [*_name(part), "" if arm == ALL else arm, option, n, n / total if total else None]
        for part, arm, option, n, total in _rows(results)
    ]
    return Table(("Question", "Session", "Truth", "Answer", "n", "Share"), rows)


def numbers(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [*_name(part), "" if arm == ALL else arm, of.n, of.mean, of.sd, of.median, of.least, of.most]
        for part in results.second
        for arm, of in part.numbers.items()
    ]
    return Table(("Question", "Session", "Truth", "n", "Mean", "SD", "Median", "Least", "Most"), rows)


def agreement(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    for part in results.second:
        for name, value in part.agreement.items():
            coefficient, _, option = name.partition(": ")
            words = NAMES.get(coefficient, coefficient)
            rows.append([*_name(part), f"{words}: {option}" if option else words, *estimate_cells(value)])
    several = any(part.kind == "multiple" for part in results.second)
    return Table(("Question", "Session", "Coefficient", *ESTIMATE), rows, [TICKS] if several else [])


def accuracy(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    methods, left_out = [], []
    for part in results.second:
        for arm, share in (part.accuracy or {}).items():
            rows.append([*_name(part), "all images" if arm == ALL else arm, *estimate_cells(share.primary)])
            methods.append(share.primary_method)
        if part.accuracy is not None:
            left_out.append(f"{part.without_finding} of “{part.words}” in session {part.session}")
    return Table(
        ("Question", "Session", "Images", *ESTIMATE),
        rows,
        [BY_FINDING.format("; ".join(left_out)), methods_note(methods)],
    )


def texts(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [*_name(part), row.rater, row.image, row.text] for part in results.second for row in part.texts
    ]
    return Table(("Question", "Session", "Rater", "Image", "Text"), rows)


EXHIBITS = (
    Exhibit(
        "second-accuracy",
        "How often the diagnosis was right",
        accuracy,
        needs_truth=True,
        missing=lambda results: (
            None if any(part.accuracy for part in results.second) else "No question is declared a diagnosis."
        ),
        words="A diagnosis is held against the image's own finding, of real and of generated images apart.",
        fits=asks_more,
    ),
    Exhibit(
        "second-counts",
        "What was answered",
        counts,
        missing=lambda results: (
            None if any(part.counts[ALL] for part in results.second) else "No question has choices or steps."
        ),
        words="Of all main showings; a filter by rater or image holds here too, a filter by rating does not.",
        fits=asks_more,
    ),
    Exhibit(
        "second-numbers",
        "Scales and numbers",
        numbers,
        missing=lambda results: (
            None
            if any(part.numbers for part in results.second)
            else "No question asks for a number, or nobody has answered."
        ),
        words="Over all answers; each rater's answers hang together, so there is no interval here.",
        fits=asks_more,
    ),
    Exhibit("second-agreement", "How well raters agree on it", agreement, fits=asks_more),
    Exhibit(
        "second-texts",
        "What was written",
        texts,
        missing=lambda results: (
            None
            if any(part.texts for part in results.second if part.kind == TEXT)
            else "No question asks for free text, or nobody has written any."
        ),
        fits=asks_more,
    ),
)
