# ruff: noqa: N999  (the module is named for the command people type)
"""`lungrater import PATH …`: bring a folder, a zip, a file or what lies at an address into a dataset."""

from __future__ import annotations

import json
import tempfile
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import ProtectedError
from django.db.models.functions import Now
from django.utils import timezone
from tqdm import tqdm

from accounts.membership.owner_option import add_owner_option, owner_of
from jobs.command_line.options import Options
from jobs.disk_space import NO_ROOM_LEFT, is_out_of_room, shortage
from jobs.models import LOOK_FOR_ROOM_EVERY
from outbound.fetching import FetchError, fetch
from pool.canonical.texts import file_name, line, plain
from pool.dicomweb.command import add_dicomweb_options, import_by_dicomweb
from pool.imports import tasks  # noqa: F401  which says who performs an import
from pool.imports.archives import ImportItem, Refusal, count, from_paths
from pool.imports.columns import column_names
from pool.imports.decoding import WINDOW_SENTENCE, is_window
from pool.imports.labels import BadSourceError, FolderLabels, Labels, NoLabels
from pool.imports.outcomes import ImportReport, outcome_row
from pool.imports.public_layouts import CHOICES as LAYOUTS
from pool.imports.public_layouts import Reading, read_layout
from pool.imports.store import Duplicate, bring_in
from pool.imports.tables import read_table
from pool.imports.volumetric.series_choice import Unchosen
from pool.imports.volumetric.slices import CHOICE_SENTENCE, is_choice
from pool.models import Dataset, FileOutcome, HeldFile, Image, ImportJob, Modality, Origin

BAD_ARGUMENT = 2
AGAIN = "Free some and give the same command again; what is stored stays."
T = TypeVar("T")

MADE_BY = ("engine", "model", "prompt", "source")


def existing(text: str) -> Path | str:
    """A path that is there, or an address as it stands."""
    if text.lower().startswith(("http://", "https://")):
        return text
    path = Path(text)
    if not path.exists():
        raise ArgumentTypeError(f"there is no file or folder {text}")
    return path


class Command(BaseCommand):
    """Imports images and says what became of each."""

    help = "Import images, DICOM files and volumes from folders, archives, files, addresses and a PACS into a dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        add_owner_option(parser)
        parser.add_argument(
            "path", nargs="*", type=existing, metavar="PATH", help="folder, zip, file or https://…"
        )
        parser.add_argument("--dataset", required=True, metavar="NAME", help="a new one or one that exists")
        parser.add_argument("--origin", required=True, choices=Origin.values)
        parser.add_argument("--modality", required=True, choices=Modality.values)
        parser.add_argument(
            "--labels", default="none", metavar="folder|none|CSV", help="a CSV has columns file and label"
        )
        parser.add_argument(
            "--layout",
            default="",
            choices=[name for name, _ in LAYOUTS],
            help="a public data set, whose table of findings is looked for in PATH; auto recognises which",
        )
        parser.add_argument(
            "--window",
            default="",
            metavar="W",
            help="how CT values are shown in a new dataset: file, lung, mediastinum, bone, range or CENTRE/WIDTH (a negative centre as --window=-600/1500)",
        )
        parser.add_argument(
            "--slices",
            default="",
            metavar="S",
            help="of files that hold several images, and of each DICOM series: middle, every:N, all or lung; stack: one image of all slices of a file, a series or a folder",
        )
        parser.add_argument(
            "--with-sex-and-age",
            action="store_true",
            help="take PatientSex, and PatientAge as a band of ten years, from DICOM headers (else dropped)",
        )
        parser.add_argument(
            "--columns",
            default="",
            metavar="A,A",
            help="further columns of the table to keep of each image, such as scanner,bmi (else dropped)",
        )
        parser.add_argument("--licence", default="", metavar="T", help="whose images, on what terms")
        parser.add_argument("--citation", default="", metavar="T")
        for name in MADE_BY:
            parser.add_argument(f"--{name}", default="", help=f"{name} of synthetic images made elsewhere")
        parser.add_argument("--json", action="store_true", help="print JSON")
        add_dicomweb_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        provenance = {name: plain(options[name]) for name in MADE_BY if options[name]}
        if provenance and options["origin"] != Origin.SYNTHETIC:
            raise CommandError("Only synthetic images have a model and a prompt.", returncode=BAD_ARGUMENT)
        if not is_window(options["window"]):
            raise CommandError(WINDOW_SENTENCE, returncode=BAD_ARGUMENT)
        if not is_choice(options["slices"]):
            raise CommandError(CHOICE_SENTENCE, returncode=BAD_ARGUMENT)
        _refuse_a_full_disk()
        if bool(options["path"]) == bool(options["dicomweb"]):
            raise CommandError("Give a PATH, or --dicomweb SOURCE.", returncode=BAD_ARGUMENT)
        options["columns"] = _columns(options)
        if options["dicomweb"]:
            self._import_by_dicomweb(options)
            return
        with tempfile.TemporaryDirectory(prefix="lungrater-import-") as folder:
            self._import(_local_items(options["path"], Path(folder)), provenance, options)

    def _import_by_dicomweb(self, options: Options) -> None:
        report = import_by_dicomweb(options, self.stdout)
        if report is None:
            return
        dataset = Dataset.objects.get(name=line(options["dataset"]))
        self.stdout.write(
            json.dumps(report, ensure_ascii=False) if options["json"] else _in_words(dataset, report)
        )
        if not (report["imported"] or report["duplicates"] or report["held"]):
            raise CommandError("No image was imported.")

    def _import(self, items: list[ImportItem], provenance: dict[str, str], options: Options) -> None:
        try:
            reading, table = _reading(options, items)
        except (BadSourceError, FetchError) as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
        dataset, is_new = _dataset(options)
        tally, began = Tally(), timezone.now()
        sources = from_paths(items, reading.labels, skip=table, tables=reading.tables)
        outcomes = bring_in(
            dataset,
            sources,
            provenance=provenance,
            slices=options["slices"],
            with_sex_and_age=options["with_sex_and_age"],
        )
        for outcome in with_room(tqdm(outcomes, total=count(items), unit="file", desc=dataset.name)):
            tally.add(outcome)
        if tally.came or not is_new or not _taken_back(dataset):
            _keep_record(dataset, tally, provenance, options)
        report = tally.as_json()
        if tally.imported:
            new = dataset.images.filter(created_at__gte=began)
            if elsewhere := new.elsewhere(Image.objects.all()):
                report["elsewhere"] = elsewhere
        if options["slices"]:
            report["unchosen"] = tally.unchosen
        self.stdout.write(
            json.dumps(report, ensure_ascii=False) if options["json"] else _in_words(dataset, report)
        )
        if not tally.came:
            raise CommandError("No image was imported.")


@dataclass
class Tally:
    """What became of the files, as far as the command tells it."""

    imported: int = 0
    notes: list[dict[str, str]] = field(default_factory=list)
    outside: list[Duplicate | Refusal] = field(default_factory=list)
    held_files: list[HeldFile] = field(default_factory=list)

    def add(self, outcome: Image | HeldFile | Duplicate | Refusal | None) -> None:
        if isinstance(outcome, Image):
            self.imported += 1
            self.notes += [{"file": outcome.source_name, **note} for note in outcome.notes]
        elif isinstance(outcome, HeldFile):
            self.held_files.append(outcome)
        elif outcome is not None:
            self.outside.append(outcome)

    @property
    def came(self) -> bool:
        """Whether anything of what was given is here now."""
        return bool(self.imported or self.held_files or self._of(Duplicate))

    @property
    def total(self) -> int:
        return self.imported + len(self.outside) + len(self.held_files)

    def as_json(self) -> ImportReport:
        return {
            "imported": self.imported,
            "notes": self.notes,
            "duplicates": self._of(Duplicate),
            "refused": self._of(Refusal),
            "held": [{"file": row.source_name, "reason": row.hold_reason} for row in self.held_files],
        }

    @property
    def unchosen(self) -> list[dict[str, str]]:
        """The slices that were not chosen, each with where it lies."""
        return self._of(Unchosen)

    def _of(self, kind: type[Duplicate] | type[Refusal]) -> list[dict[str, str]]:
        return [outcome.as_json() for outcome in self.outside if type(outcome) is kind]


def with_room(outcomes: Iterable[T]) -> Iterator[T]:
    """The outcomes, as long as the disk has room. Raises CommandError with a sentence."""
    checked = 0.0
    try:
        for outcome in outcomes:
            yield outcome
            if time.monotonic() - checked > LOOK_FOR_ROOM_EVERY:
                _refuse_a_full_disk()
                checked = time.monotonic()
    except OSError as error:
        if is_out_of_room(error):
            raise CommandError(f"{NO_ROOM_LEFT} {AGAIN}") from error
        raise


def _refuse_a_full_disk() -> None:
    if sentence := shortage():
        raise CommandError(f"{sentence} {AGAIN}")


def _taken_back(dataset: Dataset) -> bool:
    """Whether the new dataset is gone again, so that a wrong folder leaves nothing behind; not if others have filled it."""
    try:
        dataset.delete()
    except ProtectedError:
        return False
    return True


def _local_items(paths: list[Path | str], folder: Path) -> list[ImportItem]:
    """What is to be imported, fetched where it lies elsewhere."""
    items = []
    for number, path in enumerate(paths):
        if isinstance(path, Path):
            items.append(ImportItem(path, path.resolve().name))
            continue
        target = folder / str(number)
        try:
            name = fetch(path, target, from_private_networks=settings.IMPORT_FROM_PRIVATE_NETWORKS)
            items.append(ImportItem(target, file_name(name)))
        except (BadSourceError, FetchError) as error:
            raise CommandError(str(error)) from error
    return items


def _reading(options: Options, items: list[ImportItem]) -> tuple[Reading, Path | None]:
    if not options["layout"]:
        labels, table = _labels(options["labels"], options["columns"])
        return Reading(labels, "", frozenset()), table
    if options["labels"] != "none":
        raise BadSourceError("A layout says itself where the findings are: leave --labels out.")
    reading = read_layout(options["layout"], items, options["columns"])
    options["layout"] = reading.layout
    return reading, None


def _columns(options: Options) -> tuple[str, ...]:
    """The further columns to keep. Raises CommandError."""
    try:
        names = column_names(options["columns"])
    except BadSourceError as error:
        raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
    if names and not options["layout"] and options["labels"] in {"none", "folder"}:
        raise CommandError(
            "Columns are kept of a table: give --labels CSV or --layout.", returncode=BAD_ARGUMENT
        )
    return names


def _labels(choice: str, columns: tuple[str, ...]) -> tuple[Labels, Path | None]:
    if choice == "none":
        return NoLabels(), None
    if choice == "folder":
        return FolderLabels(), None
    table = Path(choice)
    try:
        return read_table(table.read_bytes(), table.name, columns=columns), table
    except OSError as error:
        raise BadSourceError(f"Cannot read the labels from {choice}: {error.strerror or error}.") from error


def _dataset(options: Options) -> tuple[Dataset, bool]:
    """The dataset of this name, and whether it is new; one that exists keeps what it says about itself."""
    dataset, new = Dataset.objects.get_or_create(
        name=line(options["dataset"]),
        defaults={
            key: plain(options[key]) for key in ("origin", "modality", "window", "licence", "citation")
        },
    )
    if new:
        dataset.give_to_maker(owner_of(options))
    for key in ("origin", "modality"):
        if not new and getattr(dataset, key) != options[key]:
            raise CommandError(
                f"The dataset “{dataset.name}” is {getattr(dataset, key)}, not {options[key]}: choose another name.",
                returncode=BAD_ARGUMENT,
            )
    return dataset, new


def _keep_record(dataset: Dataset, tally: Tally, provenance: dict[str, str], options: Options) -> None:
    """Leave what an upload leaves: from where, by what they were made, how many came, which did not and why."""
    labels = options["labels"]
    job = ImportJob.objects.create(
        dataset=dataset,
        labels=labels if labels in {"none", "folder"} else ImportJob.Labels.TABLE,
        url=next((path[:2000] for path in options["path"] if isinstance(path, str)), ""),
        provenance=provenance,
        slices=options["slices"],
        with_sex_and_age=options["with_sex_and_age"],
        columns=list(options["columns"]),
        layout=options["layout"],
        imported=tally.imported,
        done=tally.total,
        total=tally.total,
        state=ImportJob.State.SUCCEEDED if tally.came else ImportJob.State.FAILED,
        error="" if tally.came else "No image was imported; the reason for each file stands below.",
        finished_at=Now(),
    )
    HeldFile.objects.filter(pk__in=[row.pk for row in tally.held_files]).update(import_job=job)
    FileOutcome.objects.bulk_create((outcome_row(job, outcome) for outcome in tally.outside), batch_size=1000)


def _in_words(dataset: Dataset, report: ImportReport) -> str:
    duplicates, refused = report["duplicates"], report["refused"]
    there, out = f"{len(duplicates)} there already", f"{len(refused)} refused"
    if report["held"]:
        out += f", {len(report['held'])} held: a person sees and releases them at the release desk"
    unchosen = report.get("unchosen", [])
    if unchosen:
        out += f", {len(unchosen)} not chosen"
    if added := sum("added" in entry for entry in duplicates):
        there += f" ({added} told more of than before)"
    return "\n".join(
        [
            f"{report['imported']} imported into “{dataset.name}”, {there}, {out}.",
            *(f"  note: {entry['file']}: {entry['text']}" for entry in report["notes"]),
            *(
                f"  {number} of these stand in “{name}” too, pixel by pixel."
                for name, number in report.get("elsewhere", {}).items()
            ),
            *(f"  same pixels: {_of_one(entry)}" for entry in duplicates),
            *(f"  held: {entry['file']}: {entry['reason']}" for entry in report["held"]),
            *(f"  not chosen: {entry['file']}: {entry['reason']}" for entry in unchosen),
            *(f"  refused: {entry['file']}: {entry['reason']}" for entry in refused),
        ]
    )


def _of_one(duplicate: dict[str, str]) -> str:
    added = f"; added: {duplicate['added']}" if "added" in duplicate else ""
    return f"{duplicate['file']} = {duplicate['same_as']}{added}"
