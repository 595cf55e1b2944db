"""Answers on machine raters and on the models that made the fakes."""

from __future__ import annotations

from rating.results.report.checklist_accuracy import model
from rating.results.report.checklist_agreement import agreement, characteristics
from rating.results.report.checklist_core import (
    BY_PERSON,
    Context,
    answers,
    in_words,
)


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
    return "A machine gets a blinded image and nothing else."


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
