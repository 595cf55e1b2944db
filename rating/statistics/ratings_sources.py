"""What a file of ratings may be: CSV by any separator, an Excel sheet, or an export of Label Studio or doccano.

Everything becomes the rows of one table with the columns rater, image and label, which `ratings_file` then reads.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from rating.statistics.ratings_table import RatingsError

SEPARATORS = (",", ";", "\t", "|")
MOST_SHEET_BYTES = 200_000_000
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NOT_EXCEL = "The file is a zip but no Excel workbook; save the sheet as .xlsx or as CSV UTF-8."
NOT_JSON = "The file begins like JSON and is none; export it again as JSON, or save a CSV."
UNKNOWN_JSON = (
    "The JSON is no export of Label Studio or doccano that names raters, images and labels; save a CSV with the columns "
    "rater, image and label."
)
IMAGE_KEYS = ("image", "img", "filename", "file", "url", "text")
RATER_KEYS = ("username", "user", "annotator", "rater")


def as_text(content: bytes) -> io.StringIO:
    """The file as CSV text; raises RatingsError in a sentence that repeats nothing of the file."""
    if content.startswith(b"PK\x03\x04"):
        return _csv(_sheet_rows(content))
    text = _decoded(content)
    if text.lstrip()[:1] in {"[", "{"}:
        return _csv(_json_rows(text))
    return io.StringIO(text, newline="")


def separator_of(header: str) -> str:
    """What parts the cells of this header: the mark that leaves the three columns, else the commonest one."""
    for mark in SEPARATORS:
        names = {cell.strip().strip('"').lower() for cell in header.split(mark)}
        if {"rater", "image", "label"} <= names:
            return mark
    return max(SEPARATORS, key=header.count)


def declared_separator(line: str) -> str | None:
    """The separator that a first line such as `sep=;` declares, None of any other line."""
    match = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", line.rstrip("\r\n"), re.IGNORECASE)
    return match.group(1) if match else None


def _decoded(content: bytes) -> str:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's “Unicode text”
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise RatingsError("The file is not UTF-8 text; save it as CSV UTF-8.") from error


def _csv(rows: Iterable[Iterable[str]]) -> io.StringIO:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    buffer.seek(0)
    return buffer


def _sheet_rows(content: bytes) -> Iterator[list[str]]:
    """The cells of a workbook's first sheet as text."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            if sum(entry.file_size for entry in book.infolist()) > MOST_SHEET_BYTES:
                raise RatingsError("The Excel workbook is too large; save its sheet as CSV UTF-8.")
            names = book.namelist()
            sheet = min(name for name in names if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name))
            texts = (
                _shared_texts(book.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
            )
            root = _xml(book.read(sheet))
    except (zipfile.BadZipFile, ValueError, KeyError, ElementTree.ParseError) as error:
        raise RatingsError(NOT_EXCEL) from error
    width = 0
    for row in root.iter(f"{SHEET}row"):
        cells = {_column(cell.get("r", "")): _cell(cell, texts) for cell in row.iter(f"{SHEET}c")}
        if any(cells.values()):
            width = max(width, *(place + 1 for place in cells))
            yield [cells.get(place, "") for place in range(width)]


def _xml(content: bytes) -> ElementTree.Element:
    """The document; a workbook declares no entities, and what does is none."""
    if b"<!" in content:
        raise RatingsError(NOT_EXCEL)
    return ElementTree.fromstring(content)  # noqa: S314  without a declaration there is nothing to expand


def _shared_texts(content: bytes) -> list[str]:
    root = _xml(content)
    return ["".join(part.text or "" for part in item.iter(f"{SHEET}t")) for item in root.iter(f"{SHEET}si")]


def _column(reference: str) -> int:
    """The place of a cell such as “AB12”, from 0."""
    place = 0
    for letter in re.match(r"[A-Z]*", reference).group():  # type: ignore[union-attr]  # the pattern fits any text
        place = 26 * place + ord(letter) - ord("A") + 1
    return place - 1


def _cell(cell: ElementTree.Element, texts: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{SHEET}t"))
    value = cell.find(f"{SHEET}v")
    text = (value.text if value is not None else "") or ""
    if cell.get("t") == "s" and text.isdigit() and int(text) < len(texts):
        return texts[int(text)]
    return text[:-2] if text.endswith(".0") else text


def _json_rows(text: str) -> Iterator[list[str]]:
    entries = _json_entries(text)
    try:
        rows = [row for entry in entries if isinstance(entry, Mapping) for row in _ratings_of(entry)]
    except (
        TypeError,
        AttributeError,
        KeyError,
    ) as error:  # a list where a name stands, a number where a list does
        raise RatingsError(UNKNOWN_JSON) from error
    if not rows:
        raise RatingsError(UNKNOWN_JSON)
    yield ["rater", "image", "label"]
    yield from rows


def _json_entries(text: str) -> list[Any]:
    """The entries of a JSON list, or of one object a line."""
    try:
        content_of_file = json.loads(text)
    except RecursionError as error:
        raise RatingsError(NOT_JSON) from error
    except ValueError:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise RatingsError(NOT_JSON) from error
    return content_of_file if isinstance(content_of_file, list) else [content_of_file]


def _ratings_of(entry: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ratings of one task of Label Studio, or of one document of doccano."""
    data = entry.get("data") if isinstance(entry.get("data"), Mapping) else entry
    image = _first(data or {}, IMAGE_KEYS) or str(entry.get("id", ""))
    for annotation in entry.get("annotations") or ():
        if not isinstance(annotation, Mapping) or annotation.get("was_cancelled"):
            continue
        rater = annotation.get("completed_by", _first(annotation, RATER_KEYS))
        rater = rater.get("email") or rater.get("id") if isinstance(rater, Mapping) else rater
        label = _choice(annotation.get("result")) if "result" in annotation else annotation.get("label")
        if rater not in {None, ""} and isinstance(label, str | int):
            yield [str(rater), image, str(label)]
    labels = entry.get("label", entry.get("cat"))
    rater = _first(entry, RATER_KEYS)
    if rater and isinstance(labels, list | str):
        label = labels if isinstance(labels, str) else labels[0] if len(labels) == 1 else ""
        yield [rater, image, str(label)]


def _choice(result: Any) -> str | None:
    """The one choice that a Label Studio annotation made."""
    for part in result if isinstance(result, list) else ():
        choices = part.get("value", {}).get("choices") if isinstance(part, Mapping) else None
        if isinstance(choices, list) and len(choices) == 1:
            return str(choices[0])
    return None


def _first(facts: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(facts[name]) for name in names if facts.get(name) not in {None, ""}), "")
