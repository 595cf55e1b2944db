"""What a study's record answers to the items of reporting checklists, one function per question.

Every sentence is made from a stored fact or a number; an empty one leaves the item to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rating.results.display_names import COEFFICIENTS, POLICIES
from rating.results.exhibit import unit_name
from rating.results.report.methods_text import QUESTION_ASKED
from rating.results.sections.generators import are_compared
from rating.results.study_facts import StudyFacts
from rating.results.study_results import StudyResults
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean

BY_PERSON = "The rest a person must write."
GOING_BACK = {
    "none": "raters could not go back",
    "last": "raters could change their last answer",
    "any": "raters could change any answer of the sitting",
}
BURNED_IN = {
    "keep": "letters burned into images were kept",
    "mask": "the corners of all images were masked",
    "leave out": "images with burned-in letters were left out",
}
FOUND = "See “Did they find it?”."


@dataclass(frozen=True, slots=True)
class Context:
    facts: StudyFacts
    results: StudyResults


Answer = Callable[[Context], str]
ANSWERS: dict[str, Answer] = {}


def answers(name: str) -> Callable[[Answer], Answer]:
    """Register the function that answers items of this name."""

    def register(answer: Answer) -> Answer:
        ANSWERS[name] = answer
        return answer

    return register


def in_words(name: str, value: Estimate) -> str:
    """`AUC 0.665 (95 % interval 0.600 to 0.730).`, with the reason where estimate or interval is missing."""
    reason = f" {value.reason}" if value.reason else ""
    if value.estimate is None:
        return f"{name}: none.{reason}"
    if value.ci is None:
        return f"{name} {value.estimate:.3f} (no interval).{reason}"
    return f"{name} {value.estimate:.3f} (95 % interval {value.ci[0]:.3f} to {value.ci[1]:.3f})."


@answers("prospective")
def prospective(of: Context) -> str:
    if not (of.facts.frozen and of.facts.opened):
        return ""
    return (
        f"Readings were prospective: the protocol was frozen on {of.facts.frozen}, before the first reading (opened on "
        f"{of.facts.opened}). How the images were collected: {BY_PERSON.lower()}"
    )


@answers("purpose")
def purpose(of: Context) -> str:
    question = QUESTION_ASKED[of.facts.design].format(sought=of.facts.sought)
    return f"{question} Declared primary endpoint: {of.facts.primary_endpoint}. {BY_PERSON}"


@answers("sources")
def sources(of: Context) -> str:
    if not of.facts.is_unblinded:
        return "Not told while the study is blinded."
    return f"{'; '.join(of.facts.sources)}. {BY_PERSON}" if of.facts.sources else ""


@answers("inclusion")
def inclusion(of: Context) -> str:
    letters = BURNED_IN.get(of.facts.burned_in, "")
    return f"Excluded images are counted in the flow, with their reasons; {letters}. Why these datasets: {BY_PERSON.lower()}"


@answers("preprocessing")
def preprocessing(of: Context) -> str:
    facts = of.facts
    return (
        f"One path for all images: the middle square, {facts.canvas} px, {facts.bits}-bit grey, no metadata; "
        f"{BURNED_IN.get(facts.burned_in, '')}."
    )


@answers("selection")
def selection(of: Context) -> str:
    return f"Random draw from each dataset by the study's seed {of.facts.seed}. Whether a dataset itself was a consecutive series: {BY_PERSON.lower()}"


@answers("deidentification")
def deidentification(of: Context) -> str:
    return (
        "Pixels and an allowed list of DICOM tags are kept, patients as a keyed hash; the name of each imported file is kept, and "
        f"a person must see that none identifies a patient. {_check(of, 'Letters')}"
    )


@answers("missing")
def missing(of: Context) -> str:
    report, unit = of.results.agreement, unit_name(of.results)
    rest = f"{unit.capitalize()} a rater did not rate are left out for this rater only; nothing is imputed."
    if of.facts.blocks > 1:
        return (
            f"{report.ratings} ratings; each rater was shown one of {of.facts.blocks} blocks and the anchors, "
            f"so others of the {report.images} {unit} are absent by design. {rest}"
        )
    cells = report.raters * report.images
    singular = "a set" if of.results.forced_choice else "an image"
    return f"{cells - report.ratings} of {cells} pairs of a rater and {singular} have no rating. {rest}"


@answers("acquisition")
def acquisition(of: Context) -> str:
    return f"Where DICOM was imported, its tags stand in each image's record. {BY_PERSON}"


@answers("reference")
def reference(_of: Context) -> str:
    return "Whether the image was generated: its origin, stored when it was imported or generated."


@answers("why_reference")
def why_reference(_of: Context) -> str:
    return "Origin is known by construction; of imported fakes it rests on who imported them."


@answers("annotators")
def annotators(_of: Context) -> str:
    return "Nobody annotated the truth; finding labels came with the datasets."


@answers("annotation")
def annotation(of: Context) -> str:
    return f"Truth needs no annotation tool. Readings: LungRater {of.results.versions['lungrater']}."


@answers("annotator_variability")
def annotator_variability(of: Context) -> str:
    return f"The truth has no annotators. The readers are the index test: {agreement(of)}"


@answers("partitions")
def partitions(of: Context) -> str:
    return (
        "See the model card of each checkpoint trained here; of other models a person must write this."
        if _has_record(of)
        else ""
    )


@answers("disjoint")
def disjoint(of: Context) -> str:
    checks = " ".join(filter(None, (_check(of, "Patients"), _check(of, "copies of training", "Training"))))
    return f"{checks} {BY_PERSON}" if checks else ""


@answers("model")
def model(of: Context) -> str:
    if not _has_record(of):
        return ""
    return f"See “What made the fakes” for what is recorded of each generator. {BY_PERSON}"


@answers("software")
def software(of: Context) -> str:
    return ", ".join(f"{name} {version}" for name, version in of.results.versions.items()) + f". {BY_PERSON}"


@answers("methods")
def methods(of: Context) -> str:
    return f"Declared primary endpoint: {of.facts.primary_endpoint}. See the methods paragraph and the sources of the methods."


@answers("uncertainty")
def uncertainty(_of: Context) -> str:
    return "Each estimate stands with its 95 % interval, or with the sentence why it has none."


@answers("sensitivity")
def sensitivity(of: Context) -> str:
    if of.results.forced_choice:
        return f"By rater and by place; exploratory. {FOUND}"
    truth = of.results.truth
    compared = "by modality and by generator, with their differences" if truth and are_compared(truth) else ""
    parts = [compared, "by rater, position and experience"]
    return f"Four policies for “unsure” side by side; {', '.join(filter(None, parts))}. Only the endpoint is declared, so these are exploratory."


@answers("flow")
def flow(_of: Context) -> str:
    return "See the flow of images and raters (tables)."


@answers("accuracy")
def accuracy(of: Context) -> str:
    choice, truth = of.results.forced_choice, of.results.truth
    if choice:
        if choice.accuracy is None:
            return FOUND
        average = choice.accuracy.over_raters
        return f"{_average('Share of sets in which the image was found', average)} {FOUND}"
    if truth is None:
        return "See “How often each rater was fooled” and “ROC curves”."
    declared = truth.policy(of.results.policy)
    averages = {
        "Fool rate": truth.fool_rate,
        "Sensitivity": declared.sensitivity,
        "Specificity": declared.specificity,
        "AUC": truth.auc.u_statistic,
    }
    return " ".join(_average(name, average) for name, average in averages.items())


@answers("failures")
def failures(of: Context) -> str:
    galleries = (
        "sets in which the image was missed"
        if of.results.forced_choice
        else "images that fooled, and of real images called fake"
    )
    return f"Galleries of {galleries}; what they mean: {BY_PERSON.lower()}"


@answers("protocol")
def protocol(of: Context) -> str:
    return f"manifest.json in the bundle (sha256 {of.facts.manifest_sha256}). Where it is published: {BY_PERSON.lower()}"


@answers("index_test")
def index_test(of: Context) -> str:
    facts = of.facts
    confidence = "with confidence from 1 to 5" if facts.ask_confidence else "without confidence"
    return (
        f"{QUESTION_ASKED[facts.design].format(sought=facts.sought)} {facts.canvas} px, {facts.bits}-bit grey, {confidence}, remarks and "
        f"reasons as written; {GOING_BACK.get(facts.going_back, '')}. Instructions: “{facts.instructions}”"
    )


@answers("cutoffs")
def cutoffs(of: Context) -> str:
    if of.results.forced_choice:
        return f"Does not arise: forced choice. {FOUND}"
    return f"Called fake; “unsure” {POLICIES[of.facts.unsure_policy]}, frozen before the first reading."


@answers("truth_cutoffs")
def truth_cutoffs(_of: Context) -> str:
    return "Two categories, real and generated; no cut-off."


@answers("blinding")
def blinding(of: Context) -> str:
    return (
        f"Images only, no clinical information. Of the share of generated images raters were told: “{of.facts.prevalence_note or 'nothing'}”. "
        f"{blind_to_truth(of)}"
    )


@answers("truth_first")
def truth_first(_of: Context) -> str:
    return "Origin was fixed before anybody read."


@answers("indeterminate")
def indeterminate(of: Context) -> str:
    if of.results.forced_choice:
        return f"Does not arise: forced choice. {FOUND}"
    return f"“Unsure” {POLICIES[of.facts.unsure_policy]}, as declared; all four policies stand side by side."


@answers("negatives")
def negatives(of: Context) -> str:
    return (
        "Findings of the real images stand in ratings.csv of the bundle, where their dataset has them."
        if of.facts.is_unblinded
        else ""
    )


@answers("interval")
def interval(of: Context) -> str:
    span = (
        f" Read from {of.facts.opened} to {of.facts.closed}." if of.facts.opened and of.facts.closed else ""
    )
    return f"Origin was fixed before reading and images do not change.{span}"


@answers("cross_table")
def cross_table(of: Context) -> str:
    if of.results.forced_choice:
        return FOUND
    truth = of.results.truth
    if truth is None:
        return "Not told while the study is blinded."
    words = [f"{truth.fakes} fake and {truth.reals} real images."]
    for kind, name in (("fake", "Fakes"), ("real", "Real images")):
        calls = {
            label: sum(row.table[kind][label] for row in truth.per_rater)
            for label in ("real", "fake", "unsure")
        }
        words.append(
            f"{name} were called real {calls['real']}, fake {calls['fake']}, unsure {calls['unsure']} times."
        )
    return f"{' '.join(words)} See the tables by truth for each rater."


@answers("sample_size")
def sample_size(of: Context) -> str:
    facts = of.facts
    return (
        f"Planned: {facts.sessions} session(s), {facts.repeats} repeats, {facts.blocks} block(s); {facts.raters['invited']} raters invited. "
        f"Why so many: {BY_PERSON.lower()}"
    )


@answers("sampling")
def sampling(of: Context) -> str:
    return f"Images: random draw by seed {of.facts.seed}. How raters were chosen: {BY_PERSON.lower()}"


@answers("process")
def process(of: Context) -> str:
    return f"{of.facts.sessions} session(s), images only, an order of their own for each rater ({of.facts.order_version}). {own_findings(of)}"


@answers("independence")
def independence(_of: Context) -> str:
    return "No page shows another rater's answer; talk among raters cannot be excluded."


@answers("own_findings")
def own_findings(of: Context) -> str:
    facts = of.facts
    words = [f"Within a sitting {GOING_BACK.get(facts.going_back, 'going back is not recorded')}"]
    if facts.sessions > 1:
        words.append(f"sessions at least {facts.washout_days} days apart, in a new order")
    if facts.repeats:
        words.append(f"{facts.repeats} repeats at least {facts.repeat_gap} images apart")
    return f"{'; '.join(words)}."


@answers("blind_to_truth")
def blind_to_truth(of: Context) -> str:
    """The audit's own verdict: a red one, overridden or not, leaves the answer open."""
    verdict = of.facts.audit_verdict
    if not verdict:
        return "Unclear: no blinding audit has been run."
    if verdict != "red":
        return f"Yes: the blinding audit was {verdict}."
    return f"Unclear: the blinding audit was red{', and a person overrode it in writing' if of.facts.audit_overridden else ''}."


@answers("clinical")
def clinical(of: Context) -> str:
    return f"Yes: images only; {BURNED_IN.get(of.facts.burned_in, '')}."


@answers("cues")
def cues(of: Context) -> str:
    return f"{blind_to_truth(of)} See “Blinding” for each check."


@answers("order")
def order(of: Context) -> str:
    return f"Yes: {of.facts.order_version}, a new order for each rater and session; seeds and digests in sequences.csv."


@answers("stability")
def stability(of: Context) -> str:
    return f"Images do not change. {own_findings(of)}"


@answers("application")
def application(of: Context) -> str:
    return f"{of.facts.raters['finished']} of {of.facts.raters['started']} raters who started finished. {BY_PERSON}"


@answers("measures")
def measures(of: Context) -> str:
    return f"Yes: several coefficients, each with its interval and source. {agreement(of)}"


@answers("numbers")
def numbers(of: Context) -> str:
    report, intra = of.results.agreement, of.results.intra
    again = sum(row.n for row in (*intra.repeats, *intra.next_session))
    return f"{report.raters} raters, {report.images} {unit_name(of.results)}, {report.ratings} ratings; {again} of them read again by the same rater."


@answers("characteristics")
def characteristics(of: Context) -> str:
    knowledge = ", ".join(f"{name} {n}" for name, n in sorted(of.facts.profiles.items())) or "nobody said"
    kinds = ", ".join(sorted(of.results.counts_by_modality)) or "not given"
    return f"Raters: knowledge of AI {knowledge}; years of reading: {of.facts.years or 'nobody said'}. Images: {kinds}. {BY_PERSON}"


@answers("agreement")
def agreement(of: Context) -> str:
    coefficients = of.results.agreement.coefficients
    names = ("percent_agreement", "krippendorff_alpha", "gwet_ac1")
    words = " ".join(in_words(COEFFICIENTS[name], coefficients[name]) for name in names)
    intra = of.results.intra
    own = (
        " Each rater with their own earlier answers: see “Agreement”."
        if intra.repeats or intra.next_session
        else ""
    )
    return f"{words}{own}"


@answers("bundle")
def bundle(_of: Context) -> str:
    return "The ratings, with their codebook, are in the study's bundle."


@answers("machine")
def machine(of: Context) -> str:
    return f"{'; '.join(f'{row.rater}: {row.name}' for row in of.results.machines)}. {BY_PERSON}"


@answers("machine_cutoff")
def machine_cutoff(_of: Context) -> str:
    return (
        f"The label is the machine's own; its AUC is over its probabilities, where it gives any. {BY_PERSON}"
    )


@answers("machine_blinding")
def machine_blinding(_of: Context) -> str:
    return "A machine gets a blinded picture and nothing else."


@answers("machine_table")
def machine_table(_of: Context) -> str:
    return "See “Machines beside people” and machines.csv of the bundle."


@answers("machine_accuracy")
def machine_accuracy(of: Context) -> str:
    rows = [row for row in of.results.machines if row.truth]
    return " ".join(in_words(f"{row.rater} fool rate", row.truth.fool_rate) for row in rows if row.truth) or (
        "Not told while the study is blinded."
    )


@answers("machine_outputs")
def machine_outputs(_of: Context) -> str:
    return "Every machine answer is stored as a rating with its revisions and exported in machines.csv; raw replies are not kept."


@answers("machine_input")
def machine_input(of: Context) -> str:
    return f"One blinded {of.facts.bits}-bit grey PNG of {of.facts.canvas} px per request."


@answers("machine_weights")
def machine_weights(_of: Context) -> str:
    return f"Weights were used as they are. {BY_PERSON}"


@answers("machine_prompt")
def machine_prompt(_of: Context) -> str:
    return f"The prompt stands in the study's log. {BY_PERSON}"


@answers("modalities")
def modalities(of: Context) -> str:
    return f"Images of {', '.join(sorted(of.results.counts_by_modality)) or 'unknown kind'}, read at {of.facts.canvas} px, {of.facts.bits} bits. {BY_PERSON}"


@answers("prompts")
def prompts(of: Context) -> str:
    return model(of)


@answers("single_turn")
def single_turn(_of: Context) -> str:
    return "One request per image, without a history."


@answers("output_checks")
def output_checks(_of: Context) -> str:
    return (
        "Images of one even colour are filtered; failed, refused and filtered ones are counted in the flow."
    )


@answers("evaluators")
def evaluators(of: Context) -> str:
    return f"{characteristics(of)} {agreement(of)}"


@answers("repeats")
def repeats(of: Context) -> str:
    return model(of)


@answers("checkpoints")
def checkpoints(of: Context) -> str:
    truth = of.results.truth
    many = truth is not None and len(truth.by_checkpoint.groups) > 1
    return "See “Fool rate by checkpoint”." if many else "One version only was read, so nothing is compared."


@answers("benchmark")
def benchmark(of: Context) -> str:
    machines = "; machines stand beside the people" if of.results.machines else ""
    return f"Real images are the benchmark{machines}."


@answers("governance")
def governance(_of: Context) -> str:
    return "Study log, append-only revisions and job events are kept. " + BY_PERSON


def _average(name: str, average: RandomMean) -> str:
    """The number as the exhibits have it, with the method that made it."""
    return (
        f"{in_words(name, average.primary)[:-1]}, {average.primary_method}."
        if average.primary.ci
        else in_words(name, average.primary)
    )


def _has_record(of: Context) -> bool:
    """Whether anything is recorded of what made the fakes besides names and numbers of images."""
    table = of.facts.generators
    return table is not None and any(cell is not None for row in table.rows for cell in row[2:])


def _check(of: Context, *names: str) -> str:
    """The audit's sentence of the first check with such a name."""
    return next((line for line in of.facts.audit if any(line.startswith(name) for name in names)), "")
