"""A datasheet (Gebru et al., Commun ACM 2021;64(12):86-92), as far as a program can answer it; the rest says so."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pool.publication.facts import ReleaseFacts

PERSON = "*A person must write this.*"
MOST_PROMPTS = 100
NO_COPY_SEARCH = "No search for near-copies of real images is recorded, so that there are none is not known."


def datasheet(facts: ReleaseFacts) -> str:
    """DATASHEET.md, with the seven sections of the template."""
    sections = {
        "Motivation": [facts.dataset.description or PERSON, f"Who made it, for whom, paid by whom: {PERSON}"],
        "Composition": _composition(facts),
        "Collection process": _collection(facts),
        "Preprocessing, cleaning, labelling": _preprocessing(facts),
        "Uses": [uses(facts), limitations(facts)],
        "Distribution": [f"Licence: {facts.licence_words}.", f"Citation: {facts.dataset.citation or PERSON}"],
        "Maintenance": [f"Who hosts it, whom to write to, how errors are mended: {PERSON}"],
    }
    words = [f"# Datasheet of {facts.dataset.name}", ""]
    for title, lines in sections.items():
        words += [f"## {title}", "", *(f"- {line}" for line in lines), ""]
    return "\n".join(words)


def _composition(facts: ReleaseFacts) -> list[str]:
    kind = "generated" if facts.is_synthetic else "real"
    return [
        f"{facts.images} images, each {kind}; modality {facts.dataset.get_modality_display()}.",
        f"Findings: {counted(facts.findings)}.",
        f"Splits: {counted(facts.splits)}. Sizes: {counted(facts.sizes)}. Bits: {counted(facts.depths)}.",
        personal_information(facts),
        biases(facts),
    ]


def _collection(facts: ReleaseFacts) -> list[str]:
    flow = facts.flow
    outcomes = (
        f"Of {flow.requested} images requested or sent, {flow.failed} failed, {flow.refused} were refused, {flow.filtered} were "
        f"filtered out, {flow.duplicates} were duplicates, {flow.never_tried} were never tried."
    )
    if not facts.is_synthetic:
        return [outcomes, f"Ethics review, notice and consent: {PERSON}"]
    prompts = [f"“{prompt}” ({count})" for prompt, count in facts.prompts.most_common(MOST_PROMPTS)]
    more = len(facts.prompts) - len(prompts)
    return [
        outcomes,
        f"Made by: {counted(facts.makers)}.",
        f"Prompts: {', '.join(prompts) or 'none'}{f', and {more} more in metadata.csv' if more > 0 else ''}.",
        f"Seeds are known of {facts.seeds} of {facts.images} images; metadata.csv has them.",
    ]


def _preprocessing(facts: ReleaseFacts) -> list[str]:
    lines = [
        "Each image was decoded and written again by one path, as PNG without any header; the files it came from are not kept.",
        f"Left out by a person: {counted(facts.excluded) if facts.excluded else 'none'}.",
    ]
    if facts.is_synthetic:
        lines += [copy_words(facts), *_measured(facts), f"Marks on each file: {facts.marks or 'none'}."]
    return lines


def copy_words(facts: ReleaseFacts) -> str:
    """What is known of near-copies of real images."""
    searched: Any = facts.dataset.measurements.get("copies")
    if not searched and not facts.copies_left_out:
        return NO_COPY_SEARCH
    against = f" against “{searched['reference']}”" if searched else ""
    return (
        f"Near-copies of real images were searched for{against}; {facts.copies_left_out} were found and left out, and none of "
        "those found is among these images."
    )


def _measured(facts: ReleaseFacts) -> list[str]:
    numbers = [
        *facts.dataset.measured_in_words,
        *(f"Called real by raters of “{rate.study}”: {rate.in_words}" for rate in facts.fool_rates),
    ]
    return [f"{line}." for line in numbers] or [
        "Nothing was measured of these images, by machine or by raters."
    ]


def limitations(facts: ReleaseFacts) -> str:
    """What the images are not fit for, as far as a program can say."""
    if facts.is_synthetic:
        return (
            "Generated images show what a model makes of its training data; no finding in them is any patient's. They are not for "
            "diagnosis, and a classifier trained on them has to be tested on real images."
        )
    return "Grey levels are those that were shown, not the values of the detector; headers are gone."


def biases(facts: ReleaseFacts) -> str:
    """How the images are spread, which is all that is known of bias."""
    return (
        f"By finding: {counted(facts.findings)}. Age, sex and origin of people are not recorded, so that these groups are "
        "evenly shown is not known."
    )


def personal_information(facts: ReleaseFacts) -> str:
    if facts.is_synthetic:
        return f"No image is of a person. {copy_words(facts)}"
    return "Images of people, without names, dates or identifiers; keys of patients are not handed out."


def uses(facts: ReleaseFacts) -> str:
    studies = sorted({rate.study for rate in facts.fool_rates})
    readings = f"Read by raters in: {', '.join(studies)}. " if studies else ""
    return f"{readings}Other uses: {PERSON}"


def counted(counter: Counter[Any]) -> str:
    """“a (3), b (1)”, the most frequent first."""
    return ", ".join(f"{name} ({count})" for name, count in counter.most_common(50)) or "none"
