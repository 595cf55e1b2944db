"""`lungrater study …`: a study's life from the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from accounts.membership.owner_option import add_owner_option, owner_of
from audit import record
from jobs.command_line.form_command import by_option, refusal
from jobs.command_line.options import Options
from jobs.command_line.progress_bar import followed
from pool.models import Dataset
from rating.blinding.findings import in_words
from rating.blinding.freeze_again import FreezeAgainForm, freeze_again
from rating.models import BlindingAudit, Enrolment, Freeze, Stratum, Study
from rating.studies.presets import TEMPLATES
from rating.studies.protocol_file import protocol_of, read_protocol
from rating.studies.sampling.near_copies import let_near_copies_in
from rating.studies.sampling.strata import Role
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = "Create, copy, freeze, audit, open, close, unblind or rehearse a study, or say how far it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        create = acts.add_parser("create", help="a draft of NAME with so many images of each dataset")
        create.add_argument("name")
        add_owner_option(create)
        create.add_argument(
            "--images",
            action="append",
            default=[],
            metavar=STRATUM,
            help="how many images of a dataset, or of one finding in it, to show; as often as needed",
        )
        for role in (Role.PRACTICE, Role.PROBE):
            create.add_argument(f"--{role}", action="append", default=[], metavar=STRATUM)
        create.add_argument(
            "--from", dest="protocol_file", type=Path, metavar="FILE", help="what export-protocol has written"
        )
        create.add_argument("--template", choices=sorted(TEMPLATES), help="a protocol to begin with")
        for name, (kind, what) in PROTOCOL.items():
            create.add_argument(f"--{name.replace('_', '-')}", type=kind, help=what)
        create.add_argument("--reasons", type=_lines, help="for “fake”, with semicolons between; empty: none")
        create.add_argument(
            "--second-questions",
            type=_questions,
            metavar="FILE",
            help="JSON: the list of what is asked of each image besides its label",
        )
        for name, (field, what) in SWITCHES.items():
            create.add_argument(f"--{name}", dest=field, action="store_true", default=None, help=what)
        export = acts.add_parser("export-protocol", help="the protocol of NAME as a file, for another site")
        export.add_argument("name")
        export.add_argument("-o", "--output", type=Path, help="default: standard output")
        copy = acts.add_parser("copy", help="a draft with the protocol of NAME")
        copy.add_argument("name")
        copy.add_argument("--as", dest="new_name", default="", help="its name; else NAME (copy)")
        simulate = acts.add_parser("simulate", help="rehearse NAME in a copy, read by simulated raters")
        simulate.add_argument("name")
        simulate.add_argument("--raters", type=int, default=4)
        simulate.add_argument(
            "--sensitivity", type=float, default=1.0, help="d′: 0 guesses, 1 fair, 3 sees all"
        )
        simulate.add_argument("--bias", type=float, default=0.0, help="above 0: slow to call fake")
        simulate.add_argument("--noise", type=float, default=0.3, help="how much the raters differ")
        simulate.add_argument("--seed", type=int, default=0)
        for act, what in {
            "audit": "look for what could tell the origin but the image",
            "freeze": "fix the images, their blinded derivatives and every rater's order",
            "open": "let raters begin",
            "close": "take no more ratings, for good",
            "status": "state, raters and progress",
        }.items():
            acts.add_parser(act, help=what).add_argument("name")
        for name_of_act in ("status", "audit"):
            acts.choices[name_of_act].add_argument("--json", action="store_true")
        again = acts.choices["freeze"]
        again.add_argument(
            "--again",
            action="store_true",
            help="a frozen study again, with its raters, without the images its audit flagged",
        )
        again.add_argument(
            "--as", dest="new_name", default="", help="with --again: its name; else NAME (again)"
        )
        for choice in ("common_size", "grey_range", "burned_in"):
            again.add_argument(f"--{choice.replace('_', '-')}", help=f"with --again: {PROTOCOL[choice][1]}")
        acts.choices["open"].add_argument(
            "--override", metavar="REASON", default="", help="open in spite of a red audit"
        )
        acts.choices["open"].add_argument("--by", metavar="EMAIL", default="", help="who answers for it")
        let_in = acts.add_parser("let-copies-in", help="show near-copies of real images all the same")
        let_in.add_argument("name")
        let_in.add_argument("--reason", required=True)
        let_in.add_argument("--by", metavar="EMAIL", required=True, help="who answers for it")
        unblind = acts.add_parser("unblind", help="show the truth from now on")
        unblind.add_argument("name")
        unblind.add_argument("--reason", required=True)

    def handle(self, *_args: Any, act: str, name: str, **options: Any) -> None:
        try:
            if act == "create":
                create(name, options)
            else:
                ACTS[act](study_named(name), options, self.stdout.write)
        except NotPossibleError as reason:
            raise CommandError(str(reason)) from reason
        if act in STATES:
            self.stdout.write(f"“{name}” is {study_named(name).state}.")


STRATUM = "DATASET[FINDING]=COUNT"
STATES = {"create", "freeze", "open", "close", "unblind"}
PROTOCOL: dict[str, tuple[type, str]] = {
    "design": (str, f"{', '.join(Study.Design.values)}: what raters are shown and asked"),
    "canvas": (int, "side of the square shown, in pixels"),
    "sought": (str, "real or fake: which image of a pair or quartet is looked for"),
    "sessions": (int, "how often each rater reads the images"),
    "washout_days": (int, "days between two sessions"),
    "repeats": (int, "images that come back within a session"),
    "repeat_gap": (int, "images between the two showings, at least"),
    "blocks": (int, "1: all read all; more: anchors and one block each"),
    "anchors": (int, "images everybody reads when there are blocks"),
    "burned_in": (str, "keep, mask or leave out"),
    "common_size": (str, "own, smallest or model: the size all images are brought to before the canvas"),
    "grey_range": (str, "own or common: the grey levels of each image, or the same for all"),
    "primary_endpoint": (str, "fool rate, accuracy, auc, agreement or strength"),
    "contender": (
        str,
        "of an arena: the generator that its primary result is of; “real images” for real ones",
    ),
    "opponent": (str, "of an arena: the generator that it is compared with"),
    "unsure_policy": (str, "wrong, half, right or exclude"),
    "equivalence_margin": (float, "how far from chance still counts as chance, 0.1 say"),
    "slices": (int, "slices of a stack that raters read; 0: as many as the smallest has, 1: the middle one"),
    "bits": (int, "8 or 16: grey depth of the images"),
    "going_back": (str, "none, last or any: which answers may be changed"),
    "debriefing": (str, "nothing, thanks, answers or score: what raters get at the end"),
    "display_check": (
        str,
        "off, offered or required: contrast, size of the screen and light before the first image",
    ),
    "instructions": (str, "what raters read before they begin"),
    "first_instructions": (str, "what they read before they are told the purpose, in two phases"),
    "clues": (str, "what they are told to look for after the first informed session"),
    "consent": (str, "what raters agree to"),
    "withdrawal": (str, "keep or remove: what becomes of the ratings when a rater withdraws"),
    "prevalence_note": (str, "what raters are told of the share of generated images"),
    "hold_ahead": (int, "images a rater's browser may hold unread"),
    "break_after": (int, "minutes until a break is suggested; 0: never"),
}
SWITCHES = {
    "signatures": ("signatures", "freeze, close, unblind and report are signed electronically"),
    "correction-reasons": ("ask_correction_reason", "ask why an answer is changed"),
    "pseudonyms-only": (
        "pseudonyms_only",
        "researchers never see who the raters are; an administrator invites them",
    ),
    "usability": ("ask_usability", "ask how usable the site is at the end of the last sitting"),
    "confidence": ("ask_confidence", "ask how sure the rater is"),
    "require-confidence": ("require_confidence", "no answer without it"),
    "must-choose": ("must_choose", "of an arena: no answer that both images look alike"),
    "match-findings": ("match_findings", "of an arena: both images of a pair have the same finding"),
    "marks": ("marks", "raters may mark places on the image"),
    "fixed-zoom": ("fixed_zoom", "the same zoom for all raters"),
    "fixed-window": ("fixed_window", "the same window for all raters"),
}


def _lines(text: str) -> str:
    return "\n".join(part.strip() for part in text.split(";"))


def _questions(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentTypeError(f"{path} is no list of second questions in JSON: {error}") from error


def study_named(name: str) -> Study:
    try:
        return Study.objects.get(name=name)
    except Study.DoesNotExist:
        names = ", ".join(Study.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no study “{name}”; the studies are: {names}.") from None


@transaction.atomic
def create(name: str, options: Options) -> Study:
    if Study.objects.filter(name=name).exists():
        raise CommandError(f"There is a study “{name}” already.")
    template = TEMPLATES.get(options["template"] or "")
    fields = (*PROTOCOL, "reasons", "second_questions", *(field for field, _ in SWITCHES.values()))
    protocol = {field: options[field] for field in fields if options[field] is not None}
    file, strata = _protocol_file(options["protocol_file"])
    if not strata and not options["images"]:
        raise CommandError("Say which images with --images or a file with --from.", returncode=BAD_ARGUMENT)
    start = template.protocol if template else {}
    study = Study(**{**start, **file, **protocol, "name": name})
    try:
        study.full_clean()
    except ValidationError as error:
        raise refusal(" ".join(by_option(error, Study))) from error
    study.save()
    study.give_to_maker(owner_of(options))
    record(study, owner_of(options), "created")
    for words, role in [] if options["images"] else strata:
        _add_stratum(study, words, role)
    roles = {Role.MAIN: "images", Role.PRACTICE: "practice", Role.PROBE: "probe"}
    for role, option in roles.items():
        for words in options[option]:
            _add_stratum(study, words, role)
    return study


def _protocol_file(path: Path | None) -> tuple[dict[str, object], list[tuple[str, Role]]]:
    """The fields and the strata of a file; nothing of none."""
    if path is None:
        return {}, []
    try:
        return read_protocol(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no protocol file: {error}", returncode=BAD_ARGUMENT) from error


def _export_protocol(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    text = json.dumps(protocol_of(study), ensure_ascii=False, indent=1)
    path: Path | None = options["output"]
    if path is None:
        write(text)
    else:
        path.write_text(f"{text}\n", encoding="utf-8")


def _add_stratum(study: Study, words: str, role: Role) -> None:
    name, _, count = words.rpartition("=")
    label = ""
    dataset = Dataset.objects.filter(name=name).first()
    if dataset is None and name.endswith("]"):
        name, _, label = name[:-1].rpartition("[")
        dataset = Dataset.objects.filter(name=name).first()
    if dataset is None:
        raise CommandError(f"There is no dataset “{name}” (asked for as {words}).")
    if not count.isdecimal() or int(count) < 1:
        raise CommandError(f"Say how many images as {STRATUM}, not {words}.")
    try:
        with transaction.atomic():
            Stratum.objects.create(study=study, dataset=dataset, label=label, count=int(count), role=role)
    except IntegrityError as error:
        raise CommandError(f"“{words}” is asked for twice; name each dataset and finding once.") from error


def _unblind(study: Study, reason: str) -> None:
    study.unblind(None, reason)


def _copy(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    if Study.objects.filter(name=options["new_name"]).exists():
        raise CommandError(f"There is a study “{options['new_name']}” already.")
    write(f"“{copy_of(study, by=None, name=options['new_name'])}” is a draft.")


def _audit(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    if study.blinding_audits.active().exists():
        raise NotPossibleError("The blinding audit is running already.")
    audit = BlindingAudit.objects.create(study=study)
    with followed(audit):
        audit.perform()
    if audit.state != BlindingAudit.State.SUCCEEDED:
        raise CommandError(audit.error or f"The audit was {audit.state}.")
    if options["json"]:
        write(json.dumps({"study": study.name, "verdict": audit.verdict, "findings": audit.findings}))
        return
    write(f"The blinding audit of “{study}” is {audit.verdict}.")
    for finding in audit.findings:
        write(
            f"  {finding['verdict']:<7} {finding['check']}: {in_words(finding)} {finding['remedy']}".rstrip()
        )


def _person(email: str) -> Any:
    """The person of this address, None where none is named."""
    person = get_user_model().objects.filter(email__iexact=email).first() if email else None
    if email and person is None:
        raise CommandError(f"Nobody here has the address {email}.")
    return person


def _let_copies_in(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    let_near_copies_in(study, _person(options["by"]), options["reason"])
    write(f"“{study}” may show near-copies of real images.")


def _open(study: Study, options: Options, _write: Callable[[str], Any]) -> None:
    person = _person(options["by"])
    if options["override"] and study.blinding_audit is not None:
        study.blinding_audit.override(person, options["override"])
    try:
        study.open(person)
    except NotPossibleError as reason:
        if study.blinding_audit is not None and study.blinding_audit.stops_opening:
            raise NotPossibleError(
                f"{reason} To open it in spite of the audit: --override REASON --by EMAIL."
            ) from reason
        raise


def _simulate(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    from rating.reading.simulation import Readers, simulate

    if options["raters"] < 1:
        raise CommandError("Ask for one simulated rater or more.")
    readers = Readers(**{name: options[name] for name in ("raters", "sensitivity", "bias", "noise")})
    done = simulate(study, readers, seed=options["seed"])
    write(
        f"“{done}” is {done.state}: {readers.raters} simulated raters have read it. Its numbers mean nothing."
    )


def _freeze(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    if options["again"]:
        study = _again(study, options)
        write(f"“{study}” takes its place, with its raters.")
    study.refuse_unsigned(None)
    if reasons := study.reasons_not_to_freeze():
        raise NotPossibleError(" ".join(reasons))
    freeze = Freeze.objects.create(study=study)
    with followed(freeze):
        freeze.perform()
    if freeze.state != Freeze.State.SUCCEEDED:
        raise CommandError(freeze.error or f"Freezing was {freeze.state}.")
    if study.blinding_audit is not None and study.blinding_audit.stops_opening:
        write(
            f"Its blinding audit is red, so it cannot be opened yet: lungrater study status “{study}” says why."
        )


def _again(study: Study, options: Options) -> Study:
    """The draft that takes this study's place; page and command fill the same form."""
    blank = FreezeAgainForm(study=study).initial
    chosen = {name: options[name] or blank[name] for name in ("common_size", "grey_range", "burned_in")}
    name = options["new_name"] or blank["name"]
    form = FreezeAgainForm({**chosen, "name": name, "leave_out": "on"}, study=study)
    if not form.is_valid():
        raise NotPossibleError(
            " ".join(str(sentence) for lines in form.errors.values() for sentence in lines)
        )
    return freeze_again(study, by=None, name=name, **form.changes())


def _status(study: Study, options: Options, write: Callable[[str], Any]) -> None:
    raters = [
        {"rater": e.pseudonym, "rated": e.rated_count, "presentations": e.presentation_count}
        for e in Enrolment.objects.filter(study=study).with_progress()
    ]
    waits = study.reasons_not_to_open() if study.opened_at is None else []
    if options["json"]:
        status = {"study": study.name, "state": study.state, "raters": raters, "not_open_because": waits}
        write(json.dumps(status, ensure_ascii=False))
        return
    write(f"“{study}” is {study.state}.")
    for line in waits:
        write(f"  {line}")
    for rater in raters:
        write("  {rater}: {rated} of {presentations} images rated".format(**rater))


ACTS: dict[str, Callable[[Study, Options, Callable[[str], Any]], None]] = {
    "freeze": _freeze,
    "copy": _copy,
    "export-protocol": _export_protocol,
    "let-copies-in": _let_copies_in,
    "audit": _audit,
    "simulate": _simulate,
    "open": _open,
    "close": lambda study, _options, _write: study.close(None),
    "unblind": lambda study, options, _write: _unblind(study, options["reason"]),
    "status": _status,
}
