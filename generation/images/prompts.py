"""Prompt templates and prompt lists: what each image of a job is to show, as evenly spread as can be.

`{view:PA|AP} chest x-ray, {finding:normal|opacity}` stands for four prompts; image k takes prompt k modulo
four, so that any number of images is balanced to within one. A variable named `finding` is also the label.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, replace

from generation.images.engines.protocol import ImageSpec
from pool.canonical.texts import plain

VARIABLE = re.compile(r"\{(?P<name>[a-z_][a-z0-9_]*)(?::(?P<values>[^{}]*))?\}")
HOW = "Attributes are written like “sex:F|M, age:40|60”, each once; a value with a comma or a bar in quotes."
MOST_SPECS = 5_000
LONGEST_PROMPT = 32_000


class ImageSpecError(ValueError):
    """A template or list that cannot be read; the message says where and why."""


def expand(template: str, *, label: str = "", modality: str = "") -> list[ImageSpec]:
    """Every prompt the template stands for. Raises ImageSpecError."""
    values: dict[str, list[str]] = {}
    for match in VARIABLE.finditer(template):
        name = match["name"]
        options = (
            [value.strip() for value in match["values"].split("|")] if match["values"] is not None else []
        )
        if not options and name not in values:
            preset = {"modality": modality, "finding": label}.get(name, "")
            if not preset:
                raise ImageSpecError(f"Say what {{{name}}} may be, like {{{name}:one|another}}.")
            options = [preset]
        if options and name in values:
            raise ImageSpecError(
                f"{{{name}}} is given its values twice; the second time write {{{name}}} alone."
            )
        if options:
            if "" in options or len(set(options)) < len(options):
                raise ImageSpecError(f"The values of {{{name}}} must differ and none may be empty.")
            values[name] = options
    number = 1
    for options in values.values():
        number *= len(options)
    if number > MOST_SPECS:
        raise ImageSpecError(
            f"This template stands for {number:,} prompts; at most {MOST_SPECS:,} are possible."
        )
    rest = VARIABLE.sub("", template)
    if "{" in rest or "}" in rest:
        raise ImageSpecError("A brace has no partner, or a variable's name is not in small letters.")
    return [
        _image_spec(template, dict(zip(values, chosen, strict=True)), label) for chosen in _balanced(values)
    ]


def _balanced(values: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """All combinations, the last variable changing fastest."""
    return list(itertools.product(*values.values()))


def _image_spec(template: str, chosen: dict[str, str], label: str) -> ImageSpec:
    prompt = VARIABLE.sub(lambda match: chosen[match["name"]], template)
    return ImageSpec(prompt=prompt.strip(), label=chosen.get("finding", label))


def from_csv(data: bytes, *, label: str = "") -> list[ImageSpec]:
    """The rows of a table with a column `prompt`, and `label` and `count` where there. Raises ImageSpecError."""
    try:
        text = plain(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ImageSpecError("The list of prompts is not UTF-8 text.") from error
    table = csv.DictReader(io.StringIO(text))
    if "prompt" not in (table.fieldnames or []):
        raise ImageSpecError("The list of prompts needs a header row with a column named prompt.")
    image_specs: list[ImageSpec] = []
    for number, row in enumerate(table, start=2):
        prompt = (row["prompt"] or "").strip()
        count = (row.get("count") or "1").strip()
        if not prompt or len(prompt) > LONGEST_PROMPT:
            raise ImageSpecError(f"Row {number} of the list has no prompt, or one that is too long.")
        if not count.isdecimal() or not 1 <= int(count) <= MOST_SPECS:
            raise ImageSpecError(f"Row {number} of the list: count is a number from 1 to {MOST_SPECS}.")
        image_specs += [ImageSpec(prompt, (row.get("label") or label).strip())] * int(count)
        if len(image_specs) > MOST_SPECS:
            raise ImageSpecError(f"The list asks for more than {MOST_SPECS:,} images.")
    if not image_specs:
        raise ImageSpecError("The list of prompts is empty.")
    return image_specs


def attribute_specs(words: str, kinds: Sequence[ImageSpec]) -> list[ImageSpec]:
    """Every combination of “sex:F|M, age:40|60” with each kind of image, all equally often. Raises ImageSpecError.

    A value with a comma or a bar in it stands in quotes, as in a CSV.
    """
    values: dict[str, list[str]] = {}
    if words.count('"') % 2:
        raise ImageSpecError(HOW)
    for part in filter(None, (part.strip() for part in _parted(words, ","))):
        name, colon, options = part.partition(":")
        choices = [_unquoted(option.strip()) for option in _parted(options, "|")]
        if not colon or "" in choices or name.strip() in values or len(set(choices)) < len(choices):
            raise ImageSpecError(HOW)
        values[name.strip()] = choices
    if len(kinds) * math.prod(map(len, values.values())) > MOST_SPECS:
        raise ImageSpecError(f"These are more than {MOST_SPECS:,} combinations.")
    return [
        replace(kind, attributes=dict(zip(values, chosen, strict=True)))
        for kind in kinds
        for chosen in _balanced(values)
    ]


def _parted(words: str, mark: str) -> list[str]:
    """The parts between marks, of which those in quotes are none."""
    parts, start, is_quoted = [], 0, False
    for place, letter in enumerate(words):
        is_quoted ^= letter == '"'
        if letter == mark and not is_quoted:
            parts.append(words[start:place])
            start = place + 1
    return [*parts, words[start:]]


def _unquoted(option: str) -> str:
    is_quoted = len(option) > 1 and option[0] == option[-1] == '"'
    return option[1:-1].replace('""', '"') if is_quoted else option


def as_json(image_specs: list[ImageSpec]) -> list[dict[str, object]]:
    return [asdict(spec) for spec in image_specs]
