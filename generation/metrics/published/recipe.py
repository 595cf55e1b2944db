"""An extractor declared in a TOML file: which weights, whose network, and how an image is prepared for it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from generation.metrics.feature_extractor import ExtractorError
from generation.metrics.published.resizing import NAMES

LARGEST_SIDE = 2048
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a square of bytes becomes what the network takes.

    It is brought to `resize` by the filter, the middle `side` of it is cut out, 0..255 is mapped to low..high, then
    the mean is taken away and the rest divided by the spread. `as_bytes`: handed over as bytes, in no range.
    """

    side: int
    filter: str
    resize: int = 0
    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    channels: int = 3
    as_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Library:
    """How one library prepares images for its weights, and which of the network's outputs it calls features."""

    preparation: Preparation
    output: str = ""
    module: str = ""


LIBRARIES: dict[str, Library] = {
    "torchscript": Library(Preparation(299, "pillow-bicubic", as_bytes=True)),
    "pytorch-fid": Library(Preparation(299, "torch-bilinear", low=-1.0, high=1.0)),
    "torch-fidelity": Library(Preparation(299, "tensorflow-bilinear", low=-1.0, high=127 / 128)),
    "clean-fid": Library(Preparation(299, "clean-bicubic", low=-1.0, high=127 / 128), module="layers"),
    "transformers": Library(
        Preparation(224, "pillow-bicubic", mean=IMAGENET[0], std=IMAGENET[1]), output="pooled"
    ),
    "open_clip": Library(Preparation(224, "pillow-bicubic", mean=CLIP[0], std=CLIP[1])),
    "torchxrayvision": Library(Preparation(224, "scikit-image", low=-1024.0, high=1024.0, channels=1)),
    "radimagenet": Library(Preparation(224, "opencv-bilinear", low=-1.0, high=1.0)),
}
CLIP_LIBRARY = "clip"  # prepared by CMMD's definition, and by nothing else
LIBRARIES[CLIP_LIBRARY] = LIBRARIES["open_clip"]
OUTPUTS = ("", "pooled", "cls", "mean")
# Keys of the table [image] that are no field of the same name.
RANGE = "range"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One declared extractor; its name stands beside every number that it gives."""

    name: str
    library: str
    path: Path
    preparation: Preparation
    sha256: str = ""
    output: str = ""
    module: str = ""
    own_image_table: bool = False

    def sha256_of(self, preparation: Preparation) -> str:
        """One hash for what decides the numbers beside the weights."""
        facts = [self.library, self.output, self.module, asdict(preparation)]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_recipe(path: Path) -> Recipe:
    """The recipe of a TOML file. Raises ExtractorError with one sentence."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExtractorError(f"{path.name} is no recipe that can be read: {error}.") from error
    try:
        return recipe_of(table, path)
    except ValueError as error:
        raise ExtractorError(f"The recipe {path.name} {error}.") from error


def recipe_of(table: Mapping[str, object], path: Path) -> Recipe:
    """The recipe of a table; `path` is where it stands. Raises ValueError with the end of a sentence."""
    unknown = set(table) - {"name", "library", "file", "sha256", "output", "module", "image"}
    if unknown:
        raise ValueError(f"has a key that is not known: {', '.join(sorted(unknown))}")
    library = LIBRARIES.get(str(table.get("library", "")))
    if library is None:
        raise ValueError(f"names no library; known are {', '.join(LIBRARIES)}")
    if table["library"] == CLIP_LIBRARY and {"image", "output", "module"} & set(table):
        raise ValueError(
            "is of CLIP, whose images and vectors CMMD defines: it takes neither [image] nor output"
        )
    file, name = table.get("file"), str(table.get("name", path.stem)).strip()
    if not isinstance(file, str) or not file:
        raise ValueError("names no file")
    if not name or len(name) > 60 or not name.isprintable():
        raise ValueError("needs a name of 1 to 60 characters")
    output = str(table.get("output", library.output))
    if output not in OUTPUTS:
        raise ValueError(f"asks for the output {output!r}; known are {', '.join(OUTPUTS[1:])}")
    return Recipe(
        name=name,
        library=str(table["library"]),
        path=path.parent / Path(file).expanduser(),
        preparation=preparation_of(table.get("image", {}), library.preparation),
        sha256=str(table.get("sha256", "")).lower(),
        output=output,
        module=str(table.get("module", library.module)),
        own_image_table="image" in table,
    )


def preparation_of(table: Any, usual: Preparation) -> Preparation:
    """The library's usual preparation, changed as the table [image] says. Raises ValueError, the end of a sentence."""
    if not isinstance(table, dict):
        raise ValueError("needs [image] to be a table")
    values = dict(table)
    if RANGE in values:
        values["low"], values["high"] = _numbers(values.pop(RANGE), RANGE, lengths={2})
    unknown = set(values) - {field.name for field in fields(Preparation)}
    if unknown:
        raise ValueError(f"has a key in [image] that is not known: {', '.join(sorted(unknown))}")
    for key in {"mean", "std"} & set(values):
        values[key] = _numbers(values[key], key, lengths={1, 3})
    preparation = replace(usual, **values)
    _check(preparation)
    return preparation


def _numbers(value: Any, key: str, *, lengths: set[int]) -> tuple[float, ...]:
    is_list = isinstance(value, list) and len(value) in lengths
    if not is_list or not all(isinstance(number, int | float) for number in value):
        raise ValueError(f"needs {key} as a list of {' or '.join(map(str, sorted(lengths)))} numbers")
    return tuple(float(number) for number in value)


def _check(preparation: Preparation) -> None:
    for key in ("side", "resize", "channels"):
        if type(getattr(preparation, key)) is not int:
            raise ValueError(f"needs {key} as a whole number")
    resize = preparation.resize or preparation.side
    if not 8 <= preparation.side <= resize <= LARGEST_SIDE:
        raise ValueError(f"needs a side from 8 to {LARGEST_SIDE} that is not larger than what is resized to")
    if preparation.channels not in {1, 3}:
        raise ValueError("needs 1 or 3 channels")
    if preparation.filter not in NAMES:
        raise ValueError(f"names no filter that is known; known are {', '.join(NAMES)}")
    if not isinstance(preparation.as_bytes, bool) or (preparation.as_bytes and preparation.mean):
        raise ValueError("needs as_bytes to be true or false, and no mean beside it")
    if bool(preparation.mean) != bool(preparation.std) or 0 in preparation.std:
        raise ValueError("needs mean and std together, and no std of 0")
    if max(len(preparation.mean), len(preparation.std)) > preparation.channels:
        raise ValueError("has more means than channels")
    if preparation.low == preparation.high:
        raise ValueError("needs a range of two different numbers")
