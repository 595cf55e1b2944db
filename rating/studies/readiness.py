"""Why a study cannot be frozen or opened yet, in sentences for its page and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pool.models import Image, Origin
from rating.studies.purpose_words import telling_words
from rating.studies.sampling.arena import reasons_of_arena
from rating.studies.sampling.strata import Role, Stratum

if TYPE_CHECKING:
    from rating.studies.study import Study

NO_RATERS = "Invite at least one rater."


def reasons_not_to_freeze(study: Study) -> list[str]:
    """Why the study cannot be frozen yet, in sentences; empty when it can."""
    if not study.is_draft:
        return [f"The study is {study.state} already."]
    strata = list(study.strata.select_related("dataset"))
    if not any(stratum.role == Role.MAIN for stratum in strata):
        return ["Choose at least one dataset and how many of its images to show."]
    return [
        *_too_few_images(strata),
        *_uneven_sets(study, strata),
        *_impossible_orders(study, strata),
        *_given_away(study),
    ]


def _uneven_sets(study: Study, strata: list[Stratum]) -> list[str]:
    """Where the images asked for do not make whole sets: one that is looked for, and so many others."""
    if study.is_arena:
        return reasons_of_arena(study, strata)
    if study.primary_endpoint == study.Endpoint.STRENGTH:
        return ["Only an arena has strengths of generators: declare another primary endpoint."]
    if not study.shows_sets:
        return []
    sought = Origin.REAL if study.sought == study.Sought.REAL else Origin.SYNTHETIC
    counts: dict[tuple[str, str], list[int]] = {}
    for stratum in strata:
        of_kind = counts.setdefault(
            (stratum.get_role_display(), stratum.dataset.get_modality_display()), [0, 0]
        )
        of_kind[stratum.dataset.origin != sought] += stratum.count
    companions = study.set_size - 1
    reasons = [
        f"{role}, {modality}: {targets} {study.sought} images need {targets * companions} others to make sets of "
        f"{study.set_size}, not {rest}."
        for (role, modality), (targets, rest) in counts.items()
        if rest != targets * companions
    ]
    if study.primary_endpoint in {study.Endpoint.AUC, study.Endpoint.FOOL_RATE}:
        reasons.append(
            "A forced choice has an accuracy and an agreement, no AUC or fool rate: declare one of these."
        )
    return reasons


def _given_away(study: Study) -> list[str]:
    """What would tell raters of the first phase that images may be generated."""
    if not study.has_two_phases:
        return []
    read_first = {
        "name": study.name,
        "consent": study.consent,
        "first instructions": study.first_instructions,
        "second questions": " ".join(
            " ".join((each.words, each.hint, *each.choices)) for each in study.second_questions_of(1)
        ),
    }
    telling_by_text = {what: telling_words(words) for what, words in read_first.items()}
    reasons = [
        f"Raters read the {what} before they are told the purpose, and it says “{'”, “'.join(words)}”."
        for what, words in telling_by_text.items()
        if words
    ]
    if not study.first_instructions.strip():
        reasons.append("Write the first instructions.")
    invited = study.enrolments.people().filter(withdrawn_at=None)
    users = list(invited.values_list("user", flat=True))
    return [*reasons, *invited.purpose_conflicts(study, users)]


def _too_few_images(strata: list[Stratum]) -> list[str]:
    return [
        f"“{stratum.dataset}” has {stratum.available()} usable images, {stratum.asked_in_all()} are asked for."
        + stratum.held_back_in_words()
        for stratum in strata
        if stratum.available() < stratum.asked_in_all()
    ]


def _reasons_of_near_copies(study: Study) -> list[str]:
    """What was found after the freeze keeps the study closed as well."""
    if study.lets_near_copies_in or study.is_simulated:
        return []
    count = Image.objects.held_back().filter(pk__in=study.images.values("image")).count()
    if not count:
        return []
    sentence = f"{count} of its images repeat real images of the pool, as a quality report found."
    return [f"{sentence} Copy the study and freeze the copy, which leaves them out, or let them in by name."]


def _taught(study: Study) -> list[str]:
    """Raters who know by now what images they are to read are."""
    invited = study.enrolments.people().filter(withdrawn_at=None)
    pseudonyms = {enrolment.user_id: enrolment.pseudonym for enrolment in invited}
    taught = study.enrolments.taught_elsewhere(study, list(pseudonyms))
    return [
        f"{pseudonyms[user]} has read in {where} what images of this study are: withdraw and replace this rater."
        for user, where in taught.items()
    ]


def _impossible_orders(study: Study, strata: list[Stratum]) -> list[str]:
    size, things = study.set_size, "sets" if study.shows_sets else "images"
    main = sum(stratum.count for stratum in strata if stratum.role == Role.MAIN) // size
    probes = sum(stratum.count for stratum in strata if stratum.role == Role.PROBE) // size
    if study.blocks > 1 and study.anchors + study.blocks > main:
        return [f"{study.anchors} anchors and {study.blocks} blocks need more than {main} {things}."]
    read = main if study.blocks == 1 else study.anchors + (main - study.anchors) // study.blocks
    if study.repeats and study.repeats > read + probes - study.repeat_gap:
        return [
            (
                f"A rater reads {read + probes} {things}: {study.repeats} repeats with {study.repeat_gap} {things} "
                "between do not fit; ask for fewer, or for a smaller gap."
            )
        ]
    return []


def reasons_not_to_open(study: Study) -> list[str]:
    """Why raters cannot begin yet, in sentences; empty when they can."""
    if study.state not in {study.State.DRAFT, study.State.FROZEN}:
        return [f"The study is {study.state} already."]
    without_raters = [] if study.enrolments.filter(withdrawn_at=None, machine="").exists() else [NO_RATERS]
    if study.is_draft:
        freeze = "Freeze the study: that fixes its images and orders."
        return [*reasons_not_to_freeze(study), freeze, *without_raters]
    return [
        *without_raters,
        *_taught(study),
        *_reasons_of_near_copies(study),
        *_reasons_of_the_blinding_audit(study),
    ]


def _reasons_of_the_blinding_audit(study: Study) -> list[str]:
    if study.is_simulated:
        return []  # nobody reads it, so nothing can leak
    audit = study.blinding_audit
    return ["Run the blinding audit."] if audit is None else audit.reasons_not_to_open()
