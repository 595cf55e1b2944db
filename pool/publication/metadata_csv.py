"""metadata.csv in the layout of Hugging Face's image folders: a row an image, its file first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from pool.models import Image

COLUMNS = {
    "file_name": "the image's file",
    "label": "finding; several are separated by |; empty where unknown",
    "split": "train or test; empty where there is none",
    "origin": "real or synthetic",
    "modality": "xray, ct, mri, microscopy or other",
    "width": "pixels",
    "height": "pixels",
    "bits": "8 or 16 bits a grey level",
    "slices": "how many slices a stack has; 1 of a single image",
    "pixel_sha256": "SHA-256 of the canonical pixels, of a stack those of its middle slice, by which the same image is known again",
    "engine": "what kind of generator made it",
    "model": "which model or checkpoint",
    "prompt": "what it was asked for",
    "seed": "the random seed, where there is one",
}
OF_PROVENANCE = ("engine", "model", "prompt", "seed")


def metadata_lines(images: Iterable[tuple[str, Image]]) -> Iterator[str]:
    """The header and a line for each image, given with the name of its file."""
    yield _line(list(COLUMNS))
    for name, image in images:
        facts: dict[str, object] = {
            "file_name": name,
            **{column: getattr(image, column) for column in list(COLUMNS)[1:10]},
            **{column: image.provenance.get(column, "") for column in OF_PROVENANCE},
        }
        yield _line([facts[column] for column in COLUMNS])


def _line(cells: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
