"""A file of ratings with what it knows of the truth, as the columns that every number is made from."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rating.results.display_names import MODALITIES
from rating.statistics.columns import MAIN, StudyColumns
from rating.statistics.ratings_file import COUNTED_KINDS, read_ratings
from rating.statistics.ratings_sources import as_text, declared_separator, separator_of
from rating.statistics.ratings_table import LABELS, MISSING, RatingsError

MOST_RATINGS = 100_000
MOST_BYTES = 50 * 2**20
MOST_NAME = 200
PSEUDONYM = re.compile(r"[RM]\d{2,}")
TRUTHS = ("real", "fake")
TOO_LARGE = f"The file is larger than {MOST_BYTES // 2**20} MB."
ANSWER, LABEL = "answer", "label"  # the column of answers, by either name

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class ImportedTable:
    """Answers as places in LABELS (-1: none), raters × images; truth is empty where the file does not tell it."""

    raters: list[str]
    images: list[str]
    modality: list[str]
    truth: list[str]
    codes: list[list[int]]

    @property
    def ratings(self) -> int:
        return sum(code != MISSING for row in self.codes for code in row)

    def columns(self) -> StudyColumns:
        codes = np.array(self.codes, dtype=np.int8).reshape(len(self.raters), len(self.images))
        rater, image = np.nonzero(codes != MISSING)
        count, blanks = len(rater), tuple("" for _ in self.images)
        zeros, unknown = np.zeros(count, dtype=np.int64), np.full(len(self.images), np.nan)
        return StudyColumns(
            raters=tuple(self.raters),
            years=np.full(len(self.raters), -1, dtype=np.int64),
            knowledge=tuple("" for _ in self.raters),
            subspecialty=tuple("" for _ in self.raters),
            images=tuple(self.images),
            modality=tuple(self.modality),
            truth=tuple(self.truth) or blanks,
            finding=blanks,
            generator=blanks,
            checkpoint=blanks,
            fid=unknown,
            kid=unknown,
            machine_auc=unknown,
            rater=rater.astype(np.int64),
            image=image.astype(np.int64),
            session=zeros + 1,
            kind=zeros + MAIN,
            position=zeros,
            label=codes[rater, image],
            letter_order=zeros,
            confidence=zeros,
            active_ms=zeros - 1,
            has_text=zeros > 0,
        )


def read_table(
    content: bytes, words: Mapping[str, str], *, modality: str, session: str = "", truth: bytes = b""
) -> ImportedTable:
    """The table of a file, and of a second one with the truth of each image where there is one.

    words: by what the file writes, in small letters, real, fake or unsure. Raises RatingsError in a sentence that repeats
    nothing of the file.
    """
    rows = list(_rows(content))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    names = [
        "rater",
        "image",
        LABEL,
        *(name for name in ("modality", "session", "kind", "study") if name in rows[0]),
    ]
    writer.writerow(names)
    for row in rows:
        row[LABEL] = words.get(row[LABEL].strip().lower(), row[LABEL])
        writer.writerow([row[name] for name in names])
    buffer.seek(0)
    table = read_ratings(buffer, LABELS, None, session or None)
    if not table.ratings:
        raise RatingsError("The file holds no rating.")
    if table.codes.size > 10 * MOST_RATINGS or table.ratings > MOST_RATINGS:
        raise RatingsError(f"The file holds more than {MOST_RATINGS} ratings.")
    if any(len(name) > MOST_NAME for name in table.images):
        raise RatingsError(f"The name of an image is longer than {MOST_NAME} letters.")
    if table.groups and set(table.groups) - set(MODALITIES):
        raise RatingsError(f"A modality is none of {', '.join(MODALITIES)}.")
    truths = _truths(list(_rows(truth, needed=("image", "truth"))) if truth else rows, words)
    order = sorted(range(len(table.raters)), key=table.raters.__getitem__)
    return ImportedTable(
        raters=_pseudonyms([table.raters[place] for place in order]),
        images=list(table.images),
        modality=list(table.groups) or [modality] * len(table.images),
        truth=_of_images(truths, table.images),
        codes=[table.codes[place].tolist() for place in order],
    )


def _rows(content: bytes, needed: tuple[str, ...] = ("rater", "image", LABEL)) -> Iterator[Row]:
    """The lines by the names of their columns. Raises RatingsError."""
    if len(content) > MOST_BYTES:
        raise RatingsError(TOO_LARGE)
    text = as_text(content)
    first = text.readline()
    declared = declared_separator(first)
    first = text.readline() if declared else first
    separator = declared or separator_of(first)
    header = _header(first, separator, needed)
    try:
        rows = [cells for cells in csv.reader(text, delimiter=separator, strict=True) if cells]
    except csv.Error as error:
        raise RatingsError("The file is no CSV: a quotation mark is open; save it as CSV UTF-8.") from error
    if not rows:
        raise RatingsError("The file has no line but its header.")
    for cells in rows:
        if len(cells) != len(header):
            raise RatingsError(f"A line has {len(cells)} cells where the header has {len(header)}.")
        yield dict(zip(header, cells, strict=True))


def _header(line: str, separator: str, needed: tuple[str, ...]) -> list[str]:
    header = [name.strip().lower() for name in next(csv.reader([line], delimiter=separator), [])]
    if LABEL not in header:
        header = [LABEL if name == ANSWER else name for name in header]
    if any(header.count(name) != 1 for name in needed):
        columns = ", ".join(needed).replace(LABEL, f"{LABEL} (or {ANSWER})")
        raise RatingsError(f"Line 1: the columns {columns} are needed, each once.")
    return header


def _truths(rows: list[Row], words: Mapping[str, str]) -> dict[str, str]:
    """By image: real or fake, as far as the lines tell it. Raises RatingsError."""
    truths: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        word = row.get("truth", "").strip().lower()
        if not word or row.get("kind", "").strip().lower() not in COUNTED_KINDS:
            continue
        truth = words.get(word, word)
        if truth not in TRUTHS:
            raise RatingsError(f"Line {number}, column 'truth': it is neither real nor fake.")
        if truths.setdefault(row["image"].strip(), truth) != truth:
            raise RatingsError(f"Line {number}, column 'truth': the same image was the other one before.")
    return truths


def _of_images(truths: Mapping[str, str], images: tuple[str, ...]) -> list[str]:
    missing = sum(image not in truths for image in images)
    if missing == len(images):
        return []
    if missing:
        raise RatingsError(
            f"The truth of {missing} of {len(images)} images is missing: give that of all, or of none."
        )
    return [truths[image] for image in images]


def _pseudonyms(raters: list[str]) -> list[str]:
    """Names and addresses are not kept: raters are numbered in the order of their names, unless they are pseudonyms."""
    if all(map(PSEUDONYM.fullmatch, raters)):
        return raters
    return [f"R{number:02}" for number in range(1, len(raters) + 1)]
