"""A study's protocol as lines to read, for its page and the methods text."""

from __future__ import annotations

from rating.studies.second_questions import in_words_of
from rating.studies.study import Study


def told_protocol(study: Study) -> list[tuple[str, str]]:
    """Name and words of each thing the protocol fixes."""
    lines = [
        ("Design", study.get_design_display()),
        *(_arena(study) if study.is_arena else []),
        *([("Looked for", study.get_sought_display())] if study.shows_sets and not study.is_arena else []),
        ("Canvas", f"{study.canvas} × {study.canvas} px, {study.bits}-bit grey PNG"),
        ("Slices of a stack", _slices(study)),
        ("Size before the canvas", study.get_common_size_display()),
        ("Grey levels", study.get_grey_range_display()),
        ("Letters burned in", study.get_burned_in_display()),
        ("Sessions", _sessions(study)),
        ("Repeats", _repeats(study)),
        ("Who reads what", _allocation(study)),
        ("Confidence", _confidence(study)),
        *([("Clues after the first informed session", study.clues)] if study.clues else []),
        *(("Second question", line) for line in in_words_of(study.second_questions)),
        ("Going back", study.get_going_back_display()),
        ("Raters get at the end", study.get_debriefing_display()),
        ("Display check", study.get_display_check_display()),
        ("Zoom and window", _view(study)),
        ("Primary endpoint", study.get_primary_endpoint_display()),
        *([] if study.shows_sets else [("“Unsure”", study.get_unsure_policy_display())]),
        ("Told of the share of generated images", study.prevalence_note or "Nothing"),
    ]
    lines.append(("When a rater withdraws", study.get_withdrawal_display()))
    lines.append(("Unblinding", "By two people" if study.four_eyes else "By one person"))
    if study.pseudonyms_only:
        lines.append(
            ("Who the raters are", "Researchers see pseudonyms only; an administrator holds the key")
        )
    if study.lets_mark:
        lines.append(("Marks", "Raters may mark points and boxes"))
    if study.ask_usability:
        lines.append(("At the end of the last sitting", "Asked how usable the site is (SUS)"))
    if study.ask_correction_reason:
        lines.append(("A changed answer", "Needs a reason"))
    if study.signatures:
        lines.append(("Electronic signatures", "On freeze, closing, unblinding and the report"))
    if study.equivalence_margin:
        lines.append(("Equivalence margin", f"± {study.equivalence_margin:g} around chance"))
    return lines


def _arena(study: Study) -> list[tuple[str, str]]:
    compared = (
        f"“{study.contender}” with “{study.opponent}”" if study.contender else "The two generators there are"
    )
    return [
        ("Primary result compares", compared),
        ("Both alike", "May be said" if study.allows_ties else "Raters must choose one of the two"),
        (
            "Images of a pair",
            "Of one modality and one finding" if study.match_findings else "Of one modality",
        ),
    ]


def _slices(study: Study) -> str:
    if study.slices == 1 or study.shows_sets:
        return "The middle one alone"
    if study.is_draft:
        return f"At most {study.slices}" if study.slices else "As many as the smallest image has"
    return f"{study.slices} of every image, evenly spaced"


def _confidence(study: Study) -> str:
    if not study.ask_confidence:
        return "Not asked"
    return (
        f"Asked, from 1 to 5; {'no answer without it' if study.require_confidence else 'it may stay empty'}"
    )


def _sessions(study: Study) -> str:
    if study.sessions == 1:
        return "One"
    return f"{study.sessions}, {study.washout_days} days apart, each in a new order"


def _repeats(study: Study) -> str:
    if not study.repeats:
        return "None"
    return f"{study.repeats} {_things_rated(study)} come back, {study.repeat_gap} others between at least"


def _allocation(study: Study) -> str:
    if study.everybody_reads_all:
        return f"Every rater reads all {_things_rated(study)}"
    return f"Every rater reads {study.anchors} {_things_rated(study)} as anchors and one of {study.blocks} blocks, in turn"


def _things_rated(study: Study) -> str:
    return "sets" if study.shows_sets else "images"


def _view(study: Study) -> str:
    fixed = {True: "the same for all", False: "free"}
    return f"Zoom {fixed[study.fixed_zoom]}, window {fixed[study.fixed_window]}"
