"""Items of GRRAS, QAREL, STARD 2015 and CLAIM 2024: filled where the data can, marked where a person must."""

from __future__ import annotations

from rating.results.display_names import COEFFICIENTS, POLICIES
from rating.results.exhibit import Cell, Table, unit_name
from rating.results.report.methods_text import QUESTION_ASKED
from rating.results.study_facts import StudyFacts
from rating.results.study_results import StudyResults
from rating.statistics.accuracy.forced_choice import ChoiceAccuracy
from rating.statistics.estimate import Estimate

PERSON = "A person must write this."
SECTIONS = "See “Agreement” in this report."
FOUND = "See “Did they find it?”."
NO_UNSURE = f"Does not arise: forced choice. {FOUND}"
BY_PLACE = f"By rater and by place. {FOUND}"


def checklist_table(facts: StudyFacts, results: StudyResults) -> Table:
    """One row per item: the list, its number, what it asks, and what can be said."""
    rows: list[list[Cell]] = [
        [name, item, asks, answer or PERSON]
        for name, items in (
            ("GRRAS", _grras(facts, results)),
            ("QAREL", _qarel(facts)),
            ("STARD 2015", _stard(facts, results)),
            ("CLAIM 2024", _claim(facts, results)),
        )
        for item, asks, answer in items
    ]
    return Table(("Checklist", "Item", "Asks for", "Answer"), rows)


Items = list[tuple[str, str, str | None]]


def _grras(facts: StudyFacts, results: StudyResults) -> Items:
    report = results.agreement
    raters = f"{facts.raters['invited']} invited, {facts.raters['finished']} finished; knowledge of AI: {_counts(facts.profiles)}; years of reading: {facts.years or 'nobody said'}."
    return [
        (
            "2",
            "The instrument",
            f"{QUESTION_ASKED[facts.design].format(sought=facts.sought)} Remarks and reasons where given.",
        ),
        ("6", "How the number of raters and images was chosen", None),
        (
            "7",
            "How raters and images were sampled",
            f"Images were drawn at random from their datasets by seed {facts.seed}. How raters were chosen: {PERSON}",
        ),
        (
            "8",
            "The rating process",
            f"{facts.sessions} session(s), {facts.repeats} repeats, each rater in an order of their own, blinded to the others.",
        ),
        ("9", "Whether ratings were independent", "Yes: no rater saw another's ratings, by construction."),
        ("10", "The statistical analysis", "See the methods paragraph."),
        (
            "11",
            "The numbers of raters, images and ratings",
            f"{report.raters} raters, {report.images} {unit_name(results)}, {report.ratings} ratings.",
        ),
        ("12", "Who the raters and the images were", raters),
        ("13", "Estimates with their uncertainty", f"{_agreement(results)} {SECTIONS}"),
        ("15", "Detailed results", "The ratings, with their codebook, are in the study's bundle."),
    ]


def _qarel(facts: StudyFacts) -> Items:
    return [
        ("3", "Blind to other raters' findings", "Yes: a rater sees only their own sitting."),
        (
            "4",
            "Blind to own prior findings",
            "Yes across sessions; within a session only as far as the study lets raters go back.",
        ),
        (
            "5",
            "Blind to the reference standard",
            "Yes: nothing sent to a rater depends on it; see the blinding audit.",
        ),
        ("6", "Blind to clinical information", "Yes: images only."),
        ("7", "Blind to additional cues", " ".join(facts.audit) or "No blinding audit has been run."),
        (
            "8",
            "Order of examination varied",
            f"Yes: {facts.order_version}, a new order for each rater and session.",
        ),
        ("1, 2", "Representative images and raters", None),
    ]


def _stard(facts: StudyFacts, results: StudyResults) -> Items:
    truth, choice = results.truth, results.forced_choice
    index_test = "the image that the rater chose" if choice else "the rater's label"
    mix = (
        f"{truth.fakes} fake and {truth.reals} real images."
        if truth
        else "Not told while the study is blinded."
    )
    return [
        (
            "10a, 10b",
            "Index test and reference standard",
            f"Index test: {index_test}. Reference: whether the image was generated, known from its origin.",
        ),
        ("11", "Why this reference standard", "Origin is known by construction."),
        (
            "12a, 12b",
            "Positivity cut-offs",
            NO_UNSURE
            if choice
            else f"Called fake; “unsure” {POLICIES[facts.unsure_policy]}, declared before unblinding.",
        ),
        (
            "13a, 13b",
            "Whether readers and assessors knew the other",
            "Readers did not know the origin; origin was fixed before reading.",
        ),
        ("14", "Methods for accuracy", "See the methods paragraph."),
        (
            "15",
            "Indeterminate results",
            NO_UNSURE if choice else "Four policies for “unsure” stand side by side.",
        ),
        (
            "16",
            "Missing data",
            f"{_missing(facts, results)} {unit_name(results).capitalize()} a rater did not rate are left out for this rater only; nothing is imputed.",
        ),
        (
            "17",
            "Variability analyses",
            BY_PLACE
            if choice
            else "By modality and by generator, with their differences; by rater, position and experience.",
        ),
        ("18", "Intended sample size and how it was chosen", None),
        ("19", "Flow", "See the flow of images and raters."),
        ("20-22", "Baseline characteristics, severity, interval", None),
        (
            "23",
            "Cross tabulation",
            FOUND if choice else f"{mix} {_calls(results)}See the tables by truth for each rater.",
        ),
        ("24", "Estimates with their precision", _accuracy(results)),
    ]


def _claim(facts: StudyFacts, results: StudyResults) -> Items:
    return [
        (
            "7",
            "Data sources",
            "; ".join(str(row[0]) for row in facts.images if row[0])
            or "Not told while the study is blinded.",
        ),
        (
            "8",
            "Inclusion and exclusion",
            "Excluded images are counted in the flow, with their reasons. How datasets were chosen: "
            + PERSON,
        ),
        (
            "9",
            "Preprocessing",
            f"One path for all: {facts.canvas} px square, {facts.bits}-bit grey, no metadata.",
        ),
        ("10", "Selection of parts of the data", f"Random, by seed {facts.seed}."),
        (
            "11",
            "De-identification",
            "Pixels only; identifiers are never stored. Burned-in text: see the blinding audit.",
        ),
        ("14-16", "Reference standard, its source, annotators", "Origin of the image."),
        (
            "17, 18",
            "Annotation tool and variability",
            f"LungRater {results.versions['lungrater']}; {SECTIONS}",
        ),
        ("21-24", "Model, its initialisation, training and selection", f"{_generators(facts)}{PERSON}"),
        ("25-27", "Training details and software", f"{_generators(facts)}{PERSON}"),
        ("28", "Metrics", "See the methods paragraph."),
        (
            "29",
            "Statistical measures and uncertainty",
            "Every number has its interval, or the sentence why not.",
        ),
        (
            "30",
            "Robustness or sensitivity analysis",
            BY_PLACE if results.forced_choice else "Four policies for “unsure”; by modality and generator.",
        ),
        (
            "38",
            "Failure analysis",
            f"Galleries of {_failed(results)}; {PERSON}",
        ),
    ]


def _agreement(results: StudyResults) -> str:
    coefficients = results.agreement.coefficients
    names = ("percent_agreement", "krippendorff_alpha", "gwet_ac1")
    return " ".join(_in_words(COEFFICIENTS[name], coefficients[name]) for name in names)


def _accuracy(results: StudyResults) -> str:
    if results.forced_choice:
        return _share_right(results.forced_choice.accuracy)
    where = "See “How often each rater was fooled” and “ROC curves”."
    truth = results.truth
    if truth is None:
        return where
    averages = truth.averages
    shares = [
        _in_words(name, both.u_statistic.estimate)
        for name, both in (
            ("Fool rate", averages.fool_rate),
            ("Sensitivity", averages.sensitivity),
            ("Specificity", averages.specificity),
        )
    ]
    area = _in_words("AUC", truth.auc.u_statistic.estimate)
    return " ".join([*shares, area, "Averaged over raters (U-statistic).", where])


def _share_right(accuracy: ChoiceAccuracy | None) -> str:
    """How often sets' images were found over all raters, once the study is unblinded."""
    if accuracy is None:
        return FOUND
    share = _in_words("Share of sets in which the image was found", accuracy.over_raters.estimate)
    return f"{share} Averaged over raters (U-statistic). {FOUND}"


def _failed(results: StudyResults) -> str:
    return (
        "sets in which the image was missed"
        if results.forced_choice
        else "images that fooled, and of real images called fake"
    )


def _in_words(name: str, value: Estimate) -> str:
    """`AUC 0.665 (95 % interval 0.600 to 0.730).`, or why there is none."""
    if value.estimate is None:
        return f"{name}: none. {value.reason}"
    interval = "no interval" if value.ci is None else "95 % interval {:.3f} to {:.3f}".format(*value.ci)
    return f"{name} {value.estimate:.3f} ({interval})."


def _calls(results: StudyResults) -> str:
    """How all raters together called fakes and real images."""
    if not results.truth:
        return ""
    rows = results.truth.per_rater
    sentences = []
    for kind, name in (("fake", "Fakes"), ("real", "Real images")):
        calls = {label: sum(row.table[kind][label] for row in rows) for label in ("real", "fake", "unsure")}
        sentences.append(
            f"{name} were called real {calls['real']}, fake {calls['fake']}, unsure {calls['unsure']} times."
        )
    return " ".join(sentences) + " "


def _missing(facts: StudyFacts, results: StudyResults) -> str:
    report, unit = results.agreement, unit_name(results)
    if facts.blocks > 1:
        return (
            f"{report.ratings} ratings; each rater was shown one of {facts.blocks} blocks and the anchors, "
            f"so others of the {report.images} {unit} are absent by design."
        )
    cells = report.raters * report.images
    return f"{cells - report.ratings} of {cells} pairs of a rater and {'a set' if results.forced_choice else 'an image'} have no rating."


def _generators(facts: StudyFacts) -> str:
    return (
        "See “What made the fakes” for model, version, prompts and parameters; the rest: "
        if facts.generators
        else ""
    )


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(numbers.items())) or "nobody said"
