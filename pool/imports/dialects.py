"""A table's text and columns, whatever spreadsheet or data set it comes from."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re

from pool.canonical.texts import plain
from pool.imports.labels import BadSourceError
from pool.imports.spelling import spelled

# What other tables call our columns, the likelier first.
ALIASES = {
    "file": (
        "file",
        "filename",
        "file_name",
        "path",
        "file_path",
        "filepath",
        "image_path",
        "image_file",
        "image_index",
        "image_name",
        "image_id",
        "imageid",
        "image",
        "img",
        "img_name",
        "image",
        "dicom_id",
        "sopinstanceuid",
        "patientid",
    ),
    "label": (
        "label",
        "labels",
        "finding",
        "findings",
        "finding_labels",
        "class",
        "class_name",
        "category",
        "diagnosis",
        "target",
        "disease",
        "pathology",
    ),
    "patient": (
        "patient",
        "patient_group",
        "slice_group",
        "patient_id",
        "patientid",
        "subject_id",
        "subject",
        "case_id",
    ),
    "split": ("split", "subset", "fold", "partition"),
    "view": ("view", "view_position", "viewposition", "projection"),
    "licence": ("licence", "license"),
    "site": ("site", "hospital", "institution", "centre", "center"),
    "sex": ("sex", "gender", "patient_sex", "patient_gender", "patientsex"),
    "age": ("age", "patient_age", "patientage", "age_years"),
    "reader": (
        "reader",
        "rater",
        "rad_id",
        "radiologist",
        "annotator",
        "reader_id",
        "rater_id",
        "annotator_id",
    ),
}
BOXES = (
    {"x", "y", "width", "height"},
    {"x", "y", "w", "h"},
    {"x_min", "y_min"},
    {"xmin", "ymin"},
    {"bbox"},
    {"boxes"},
    {"class_id"},
)
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "<na>", "-nan"}
DELIMITERS = "\t;,|"
SEP = re.compile(r"sep=(.)", re.IGNORECASE)


class Table:
    """Rows of a table as dictionaries by our names of columns, and what else it holds."""

    def __init__(self, columns: dict[str, str], rows: list[dict[str, str]], encoding: str) -> None:
        self.columns, self.rows, self.encoding = columns, rows, encoding

    @property
    def has_boxes(self) -> bool:
        """Whether each row is of one finding in an image, not of the image."""
        return any(box <= set(self.columns) for box in BOXES)

    def cell(self, row: dict[str, str], name: str) -> str:
        """A row's value under one of our names, empty where it is missing."""
        present = [alias for alias in ALIASES[name] if alias in self.columns]
        # Of names of a patient the first that is filled; of all others the first column alone.
        value = (
            next((row[alias] for alias in present if row.get(alias)), "")
            if name == "patient"
            else (row.get(present[0], "") if present else "")
        )
        return "" if value.casefold() in MISSING else value

    def has(self, name: str) -> bool:
        return any(alias in self.columns for alias in ALIASES[name])


def parse(data: bytes, title: str) -> Table:
    """The table in a file of any usual encoding and delimiter. Raises BadSourceError."""
    encoding, text = _text(data, title)
    text = plain(text).lstrip("\ufeff\n ")
    if text.startswith("{"):
        return _json_lines(text, title, encoding)
    delimiter = ""
    if declared := SEP.match(text):
        delimiter, text = declared[1], text.partition("\n")[2]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise BadSourceError(f"{title} cannot be read as a CSV: {error}.") from error
    titles = [cell.strip() for cell in lines[0]] if lines else []
    keys = [key_of(cell) for cell in titles]
    rows = [{key: cell.strip() for key, cell in zip(keys, line, strict=False) if key} for line in lines[1:]]
    return Table(dict(zip(keys, titles, strict=True)), rows, encoding)


def _json_lines(text: str, title: str, encoding: str) -> Table:
    """A table of one JSON object a line, as image folders of Hugging Face have it."""
    try:
        objects = [json.loads(line) for line in text.splitlines() if line.strip()]
        rows = [{key_of(key): _word(value) for key, value in entry.items()} for entry in objects]
    except (ValueError, AttributeError, RecursionError) as error:
        raise BadSourceError(f"{title} cannot be read as JSON lines.") from error
    return Table({key: key for row in rows for key in row}, rows, encoding)


def _word(value: object) -> str:
    return "" if value is None else value.strip() if isinstance(value, str) else json.dumps(value)


def _text(data: bytes, title: str) -> tuple[str, str]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return encoding, data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
            except UnicodeDecodeError as error:
                raise BadSourceError(f"{title} is damaged: it is no {encoding.upper()} text.") from error
    encoding, [text] = spelled([data])
    if encoding not in {"ascii", "utf-8"} and (b"\0" in data or data[:3] == b"\xff\xd8\xff"):
        raise BadSourceError(f"{title} is no table in text; save it as “CSV UTF-8”.")
    return encoding, text


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=lambda mark: (first.count(mark), mark == ","))


def key_of(title: str) -> str:
    """A column's title in small letters, words joined by underscores."""
    return re.sub(r"[\s\-./]+", "_", title.strip().strip("\"'").casefold()).strip("_")
