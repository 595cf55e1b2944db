"""Answers on data, truth and accuracy: the items of STARD and CLAIM."""

from __future__ import annotations

from rating.results.display_names import POLICIES
from rating.results.exhibit import unit_name
from rating.results.report.checklist_agreement import agreement, blind_to_truth
from rating.results.report.checklist_core import (
    BURNED_IN,
    BY_PERSON,
    FOUND,
    GOING_BACK,
    NO_RIGHT_ANSWER,
    Context,
    answers,
    audit_line,
    average_in_words,
    displays,
    has_record,
    tables_of_sets,
)
from rating.results.report.methods_text import QUESTION_ASKED
from rating.results.sections.generators import are_compared


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
        f"a person must see that none identifies a patient. {audit_line(of, 'Letters')}"
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
    singular = "a set" if of.results.shows_sets else "an image"
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
        if has_record(of)
        else ""
    )


@answers("disjoint")
def disjoint(of: Context) -> str:
    checks = " ".join(
        filter(None, (audit_line(of, "Patients"), audit_line(of, "copies of training", "Training")))
    )
    return f"{checks} {BY_PERSON}" if checks else ""


@answers("model")
def model(of: Context) -> str:
    if not has_record(of):
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
    if of.results.shows_sets:
        return f"By rater and by place; exploratory. {tables_of_sets(of)}"
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
    if of.results.arena:
        return f"Does not arise: {NO_RIGHT_ANSWER} {tables_of_sets(of)}"
    if choice:
        if choice.accuracy is None:
            return FOUND
        average = choice.accuracy.over_raters
        return f"{average_in_words('Share of sets in which the image was found', average)} {FOUND}"
    if truth is None:
        return "See “How often each rater was fooled” and “ROC curves”."
    declared = truth.policy(of.results.policy)
    averages = {
        "Fool rate": truth.fool_rate,
        "Sensitivity": declared.sensitivity,
        "Specificity": declared.specificity,
        "AUC": truth.auc.u_statistic,
    }
    return " ".join(average_in_words(name, average) for name, average in averages.items())


@answers("failures")
def failures(of: Context) -> str:
    galleries = (
        "sets on which raters were split"
        if of.results.arena
        else "sets in which the image was missed"
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
        f"reasons as written; {GOING_BACK.get(facts.going_back, '')}. {displays(of)} Instructions: “{facts.instructions}”"
    )


@answers("cutoffs")
def cutoffs(of: Context) -> str:
    if of.results.shows_sets:
        return f"Does not arise: {NO_RIGHT_ANSWER if of.results.arena else 'forced choice.'} {tables_of_sets(of)}"
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
    if of.results.shows_sets:
        return f"Does not arise: {NO_RIGHT_ANSWER if of.results.arena else 'forced choice.'} {tables_of_sets(of)}"
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
    if of.results.shows_sets:
        return tables_of_sets(of)
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
