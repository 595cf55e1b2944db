"""`lungrater import --dicomweb SOURCE …`: the forms of the page, filled from the command line."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from accounts.membership.owner_option import owner_of
from jobs.command_line.form_command import refusal
from jobs.command_line.options import Options
from jobs.command_line.run_inline import perform_with_bar
from outbound.dicomweb import DicomwebError, SeriesMatch
from pool.canonical.texts import line
from pool.dicomweb.forms import QueryForm, SeriesImportForm
from pool.dicomweb.search import matching_series
from pool.imports.outcomes import ImportReport
from pool.models import Dataset, DicomwebSource, ImportJob

KEYS = {
    "Modality": "modality",
    "BodyPartExamined": "body_part",
    "PatientID": "patient",
    "StudyInstanceUID": "study",
    "SeriesInstanceUID": "series",
}
DATE_LETTERS = 8


def add_dicomweb_options(parser: CommandParser) -> None:
    group = parser.add_argument_group("DICOMweb, in the place of PATH")
    group.add_argument("--dicomweb", default="", metavar="SOURCE", help="a source that an admin has named")
    group.add_argument("--study", default="", metavar="UID")
    group.add_argument("--series", default="", metavar="UID")
    group.add_argument(
        "--query",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"StudyDate=YYYYMMDD-YYYYMMDD, {', '.join(KEYS)}; may be given several times",
    )
    group.add_argument("--list", action="store_true", help="only list the series that match")


def import_by_dicomweb(options: Options, stdout: OutputWrapper) -> ImportReport | None:
    """What became of the images of all series that match; None where they were only listed. Raises CommandError."""
    source = DicomwebSource.objects.filter(name=options["dicomweb"]).first()
    if source is None:
        names = ", ".join(DicomwebSource.objects.values_list("name", flat=True)) or "none"
        raise refusal(f"There is no DICOMweb source {options['dicomweb']!r}; there are: {names}.")
    query = QueryForm({"source": source.pk, **_query(options)})
    if not query.is_valid():
        raise refusal(_sentences(query))
    try:
        matches = matching_series(source, query.query)
    except DicomwebError as error:
        raise CommandError(str(error)) from error
    if options["list"]:
        _list(matches, options, stdout)
        return None
    if not matches:
        raise CommandError("No series matches.")
    job = _form(options, source, matches).submit(by=owner_of(options), enqueue=False)
    perform_with_bar(job, unit="image")
    if job.state != ImportJob.State.SUCCEEDED and not job.outcomes.refused().exists():
        raise CommandError(job.error or f"It was {job.state}.")
    return _report(job)


def _query(options: Options) -> dict[str, str]:
    values = {"study": options["study"], "series": options["series"]}
    for entry in options["query"]:
        key, equals, value = entry.partition("=")
        if key == "StudyDate" and equals:
            first, dash, last = value.partition("-")
            values |= {"first_date": _date(first), "last_date": _date(last if dash else first)}
        elif key in KEYS and equals:
            values[KEYS[key]] = value
        else:
            raise refusal(f"--query takes StudyDate, {', '.join(KEYS)}, each as KEY=VALUE, and no {key!r}.")
    return values


def _date(text: str) -> str:
    """A date of DICOM as the form takes it."""
    if len(text) == DATE_LETTERS and text.isdecimal():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text


def _form(options: Options, source: DicomwebSource, matches: list[SeriesMatch]) -> SeriesImportForm:
    owner = owner_of(options)
    name = line(options["dataset"])
    dataset = Dataset.objects.filter(name=name).first()
    for key in ("origin", "modality"):
        if dataset and getattr(dataset, key) != options[key]:
            raise refusal(
                f"The dataset “{dataset}” is {getattr(dataset, key)}, not {options[key]}: choose another name."
            )
    described = {
        key: options[key]
        for key in ("origin", "modality", "window", "slices", "with_sex_and_age", "licence", "citation")
    }
    where = {"dataset": dataset.pk} if dataset else {"name": name}
    series = [f"{match.study} {match.series}" for match in matches]
    form = SeriesImportForm(
        {**described, **where, "source": source.pk, "chosen_series": series}, person=owner
    )
    if not form.is_valid():
        raise refusal(_sentences(form))
    return form


def _sentences(form: Any) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def _list(matches: list[SeriesMatch], options: Options, stdout: OutputWrapper) -> None:
    if options["json"]:
        stdout.write(json.dumps([vars(match) for match in matches], ensure_ascii=False))
        return
    for match in matches:
        words = (match.date, match.modality, match.body_part, match.description)
        count = "? images" if match.instances is None else f"{match.instances} images"
        stdout.write(f"{match.study} {match.series}  {count}  {' · '.join(filter(None, words))}")
    stdout.write(f"{len(matches)} series.")


def _report(job: ImportJob) -> ImportReport:
    noted = job.images.noted().values_list("source_name", "notes")
    held_files = job.held_files.values("source_name", "hold_reason")
    report: ImportReport = {
        "imported": job.imported,
        "notes": [{"file": name, **note} for name, notes in noted for note in notes],
        "duplicates": [
            {"file": file, "same_as": there}
            for file, there in job.outcomes.duplicates().values_list("file", "same_as")
        ],
        "refused": [
            {"file": file, "reason": reason}
            for file, reason in job.outcomes.refused().values_list("file", "reason")
        ],
        "held": [{"file": row["source_name"], "reason": row["hold_reason"]} for row in held_files],
    }
    if job.slices:
        report["unchosen"] = [
            {"file": file, "reason": reason}
            for file, reason in job.outcomes.unchosen().values_list("file", "reason")
        ]
    return report
