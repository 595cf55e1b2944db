"""Which attributes of its images a model is to be told of: asked for in words, valued by the pool or by a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from generation.diffusion.attributes import MOST_VALUES, Attribute, number_of
from generation.diffusion.config import ConfigError
from pool.canonical.attributes import attribute_of, names_in
from pool.canonical.texts import line, plain
from pool.imports.columns import LONGEST_VALUE, OF_MAKING
from pool.models import Dataset, Image
from pool.splits import training_images

FINDING, NUMBER, FILE = "finding", "number", "file"
LARGEST_TABLE = 20_000_000
HOW = "Attributes are written like “sex, view, age:number”, a dropout behind them where it is not 0.1: “sex:0.2”."
LONGEST_CATEGORY = 100  # letters

Values = dict[str, dict[str, str]]  # by the key of the image, by the name of the attribute


def table_values(data: bytes) -> Values:
    """The columns of a CSV by the name of the file. Raises ConfigError."""
    try:
        rows = csv.DictReader(io.StringIO(plain(data.decode("utf-8-sig"))))
        if FILE not in (rows.fieldnames or []):
            raise ConfigError("The table of attributes needs a header row with a column named file.")
        return {
            _base(row[FILE]): {
                name: line(value, most=LONGEST_VALUE)
                for name, value in row.items()
                if name and isinstance(value, str)
            }
            for row in rows
            if row[FILE]
        }
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError("The table of attributes is no CSV in UTF-8.") from error


def attributes_of(
    words: str, dataset: Dataset, table: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[Attribute, ...], Values]:
    """The attributes asked for, with the values that the training images have. Raises ConfigError."""
    wishes = [_wish(part) for part in words.split(",") if part.strip()]
    images = list(training_images(dataset).only("pk", "label", "provenance", "source_name", "dataset"))
    values: Values = {str(image.pk): {} for image in images}
    stored_names = ", ".join(names_in(image.provenance for image in images)) or "nothing"
    attributes = []
    for name, is_number, dropout in wishes:
        for image in images:
            if value := value_of(image, name, table):
                values[str(image.pk)][name] = value
        attributes.append(
            _attribute(
                name,
                [own[name] for own in values.values() if name in own],
                is_number=is_number,
                dropout=dropout,
                stored_names=stored_names,
            )
        )
    return tuple(attributes), values


def _wish(part: str) -> tuple[str, bool, float]:
    name, *options = (word.strip() for word in part.split(":"))
    is_number = NUMBER in options
    rest = [option for option in options if option != NUMBER]
    try:
        dropout = float(rest[0]) if rest else 0.1
    except ValueError as error:
        raise ConfigError(HOW) from error
    if not name or len(rest) > 1:
        raise ConfigError(HOW)
    if name in OF_MAKING:
        raise ConfigError(
            f"An attribute cannot be called {name}, as generated images say so how they were made; rename it."
        )
    return name, is_number, dropout


def _attribute(
    name: str, texts: Iterable[str], *, is_number: bool, dropout: float, stored_names: str
) -> Attribute:
    distinct = sorted(set(texts))
    if not distinct:
        raise ConfigError(f"No training image has a value of {name}; the pool knows of them: {stored_names}.")
    if len(distinct) < 2:
        raise ConfigError(f"The training images do not differ in {name}: there is nothing to learn of it.")
    if not is_number:
        if max(map(len, distinct)) > LONGEST_CATEGORY:
            raise ConfigError(
                f"{name} has values of more than {LONGEST_CATEGORY} letters: it is no category."
            )
        if len(distinct) > MOST_VALUES:
            raise ConfigError(f"{name} has more than {MOST_VALUES} values; write {name}:number if it is one.")
        return Attribute(name, tuple(distinct), dropout=dropout)
    numbers = [(text, number_of(text)) for text in distinct]
    if wrong := next((text for text, number in numbers if number is None), None):
        raise ConfigError(f"{name} is not a number everywhere: “{wrong[:30]}”.")
    readable = [number for _, number in numbers if number is not None]
    return Attribute(name, low=min(readable), high=max(readable), dropout=dropout)


def value_of(image: Image, name: str, table: Mapping[str, Mapping[str, str]]) -> str:
    """A table goes before the pool."""
    from_table = table.get(_base(image.source_name), {}).get(name, "")
    return from_table or (image.label if name == FINDING else attribute_of(image.provenance, name))


def _base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
