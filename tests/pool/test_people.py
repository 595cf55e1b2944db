"""Sex and age come in by a table, coarse, and are added to images that are there already."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from pool.canonical.pixels import encode_png
from pool.imports.people import age_band_of, sex_of
from pool.models import Image


@pytest.mark.parametrize(
    ("word", "band"),
    [
        ("0", "0-9"),
        ("9", "0-9"),
        ("10", "10-19"),
        ("061Y", "60-69"),
        ("61.7", "60-69"),
        ("018M", "0-9"),
        ("89", "80-89"),
        ("90", "90+"),
        ("104", "90+"),
        ("411", ""),
        ("-5", ""),
        ("sixty", ""),
    ],
)
def test_an_age_becomes_ten_years_and_from_ninety_on_one_band(word: str, band: str) -> None:
    assert age_band_of(word) == band


def test_a_sex_is_a_word_and_never_a_number() -> None:
    assert [sex_of(word) for word in ("Female", "m", "O", "1", "unknown")] == ["F", "M", "O", "", ""]


@pytest.mark.django_db
def test_a_table_brings_sex_and_age_band_also_to_images_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "xrays"
    folder.mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (32, 32), dtype=np.uint8)
        (folder / f"{number}.png").write_bytes(encode_png(pixels))
    table = tmp_path / "people.csv"
    table.write_text(
        "Image Index,Finding Labels,Patient Age,Patient Gender\n0.png,normal,61,F\n1.png,normal,93,M\n"
    )
    words = ("--dataset=X", "--origin=real", "--modality=xray", "--json")
    out = StringIO()

    call_command("import", str(folder), *words, stdout=StringIO())
    call_command("import", str(folder), f"--labels={table}", *words, stdout=out)

    stored = [
        (image.provenance["sex"], image.provenance["age_band"])
        for image in Image.objects.order_by("source_name")
    ]
    assert stored == [("F", "60-69"), ("M", "90+")]
    assert [entry["added"] for entry in json.loads(out.getvalue())["duplicates"]] == [
        "finding, sex, age band"
    ] * 2
    assert not any("93" in str(value) for image in Image.objects.all() for value in image.provenance.values())
