"""The methods paragraph that a paper can take over."""

from __future__ import annotations

from rating.results.display_names import POLICIES, counted
from rating.results.exhibit import unit_name
from rating.results.sections.generators import are_compared
from rating.results.study_facts import StudyFacts
from rating.results.study_results import StudyResults
from rating.statistics.mrmc.moments import RandomMean

QUESTION_ASKED = {
    "single": "Each image was to be called real, fake or unsure.",
    "pair": "Images were shown in pairs, one real and one generated, and raters had to say which was {sought}; the image looked for "
    "stood on either side equally often.",
    "quartet": "Images were shown four at a time, and raters had to say which one was {sought}, the other three being the opposite; "
    "it stood at every place equally often.",
    "arena": "Images were shown in pairs, each of two generators or of one and a real image, and raters had to say which one looks "
    "more real; for every two generators either side came equally often.",
    "two-phase": "In a first session raters were not told that some images are generated: they called each image usual, "
    "unusual or unsure and wrote what they saw. Then they were told, and in a new order each image was to be called real, "
    "fake or unsure; the ratings counted here are of this informed phase.",
}
SINGLE_IMAGES = (
    "“Unsure” {unsure}, as declared before unblinding; the other policies are shown beside it. Proportions of one rater "
    "have Wilson intervals. "
)
COMPARED = "Generators and modalities are compared by fool rate and AUC, p values adjusted by Holm. "
FORCED_CHOICE = (
    "The share of sets in which a rater found the image has Clopper and Pearson's interval and the exact binomial test against "
    "guessing, p values adjusted by Holm. "
)
ARENA = (
    "Strengths are those of Bradley and Terry's model, ties by Davidson's; intervals for these raters by the sandwich over pairs of "
    "images, for raters like these over raters too (Cameron, Gelbach & Miller 2011); ranks and p values adjusted by Holm over all "
    "pairs of generators. "
)
NOT_YET = "Numbers that depend on the truth are given once the study is unblinded."


def methods_text(facts: StudyFacts, results: StudyResults) -> list[str]:
    """Sentences in paragraphs: design, blinding, statistics."""
    report, versions = results.agreement, results.versions
    design = (
        f"In a blinded reader study run on LungRater {versions['lungrater']}, {counted(facts.raters['invited'], 'rater')} {'was' if facts.raters['invited'] == 1 else 'were'} invited, "
        f"{facts.raters['started']} started and {facts.raters['finished']} finished; {counted(report.ratings, 'rating')} of "
        f"{report.images} {unit_name(results)} are analysed. {QUESTION_ASKED[facts.design].format(sought=facts.sought)} "
        f"Raters were told of the share of generated images: “{facts.prevalence_note.rstrip('.') or 'nothing'}”. "
    )
    design += _as_read(facts, results)
    blinding = (
        f"Every image was decoded and written again by one path as a {facts.canvas} × {facts.canvas} px, {facts.bits}-bit grey PNG "
        "without metadata, and shown under a random address in an order of its own for each rater and session "
        f"({facts.order_version}, seed {facts.seed}). The protocol was frozen before the first reading "
        f"(manifest sha256 {facts.manifest_sha256})."
    )
    statistics = (
        "Agreement is given as percent agreement, Cohen or Light κ, Fleiss κ, Krippendorff α, Gwet AC1 and Brennan–Prediger with "
        f"95 % confidence intervals. The declared primary endpoint is: {facts.primary_endpoint}. "
    )
    if results.arena:
        statistics += ARENA
    elif results.forced_choice:
        statistics += FORCED_CHOICE
    else:
        statistics += SINGLE_IMAGES.format(unsure=POLICIES[facts.unsure_policy])
    statistics += _averages(results)
    if results.truth and are_compared(results.truth):
        statistics += COMPARED
    statistics += _equivalence(facts, results)
    computed = f"Computed with numpy {versions['numpy']} and scipy {versions['scipy']}."
    paragraphs = [design.strip(), blinding, statistics, computed]
    if report.raters == 2:
        paragraphs.append("There were two raters: the numbers speak of these two raters only.")
    if results.truth and results.truth.only:
        paragraphs.append(results.truth.only)
    if facts.simulated:
        paragraphs.append("The raters of this study were simulated.")
    return paragraphs


def _as_read(facts: StudyFacts, results: StudyResults) -> str:
    """What of the reading not every study has, a sentence each."""
    blocks = f"Images were dealt into {facts.blocks} blocks; each rater read one and the common anchors. "
    sentences = {
        f"Images were read in {facts.sessions} sessions at least {facts.washout_days} days apart. ": facts.sessions
        > 1,
        f"Each image was a stack of {facts.slices} slices, evenly spaced, to scroll through. ": facts.slices
        > 1,
        "Raters could mark points and boxes on images. ": facts.lets_mark,
        f"Of each image raters were asked besides: {'; '.join(facts.second_questions)}. ": bool(
            facts.second_questions
        ),
        f"After the first informed session raters were told what to look for: “{facts.clues.rstrip('.')}”. ": bool(
            facts.clues
        ),
        f"{facts.repeats} {unit_name(results)} came back within a session. ": facts.repeats > 0,
        blocks: facts.blocks > 1,
        f"{' '.join(facts.displays)} ": bool(facts.displays),
    }
    return "".join(sentence for sentence, holds in sentences.items() if holds)


def _averages(results: StudyResults) -> str:
    """How the intervals of the numbers over raters were made, as these numbers have it."""
    averages = _over_raters(results)
    by_method: dict[str, list[str]] = {}
    for name, average in averages.items():
        if average.primary.ci:
            by_method.setdefault(average.primary_method, []).append(name)
    if not averages:
        return "" if results.forced_choice or _is_told(results) else f"{NOT_YET} "
    if not by_method:
        return "No number over raters has an interval. "
    return f"Intervals over raters: {'; '.join(f'{listed(names)}: {method}' for method, names in by_method.items())}. "


def _is_told(results: StudyResults) -> bool:
    """Whether generators are known in an arena, whose intervals its own sentences explain."""
    return results.arena is not None and results.arena.standing is not None


def _over_raters(results: StudyResults) -> dict[str, RandomMean]:
    choice, truth = results.forced_choice, results.truth
    if choice:
        return {"the share found": choice.accuracy.over_raters} if choice.accuracy else {}
    if truth is None:
        return {}
    declared = truth.policy(results.policy)
    averages = {"fool rate": truth.fool_rate, "accuracy": declared.accuracy}
    if truth.only:
        return averages
    sides = {"sensitivity": declared.sensitivity, "specificity": declared.specificity}
    return {**averages, **sides, "AUC": truth.auc.u_statistic}


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _equivalence(facts: StudyFacts, results: StudyResults) -> str:
    if facts.margin is None:
        return "No equivalence margin was declared, so no claim of indistinguishability is made."
    declared = f"the declared margin of {facts.margin:g}"
    if results.arena and results.endpoint == "strength":
        return f"Equivalence is tested of the two generators declared, by two one-sided tests, against {declared}."
    if results.shows_sets:
        return f"{declared.capitalize()} is not tested: equivalence is tested of single images only."
    if results.truth is None:
        return f"Equivalence is tested against {declared} once the study is unblinded."
    tests = results.truth.equivalence.tests
    refused = [row.test.reason for row in tests if row.test.p is None and row.test.reason]
    if len(refused) == len(tests):
        return f"Equivalence was not tested against {declared}: {refused[0] if refused else results.truth.equivalence.reason}"
    return f"Equivalence was tested by two one-sided tests against {declared}."
