"""Foreign texts become ones a table takes, at every door."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from jobs.texts import storable
from pool.canonical.texts import cause, file_name, line, plain, plain_json
from pool.imports.archives import ImportItem, from_paths
from pool.imports.labels import FolderLabels
from pool.imports.store import bring_in
from pool.imports.tables import read_table
from pool.models import Image
from tests.factories import make_dataset, make_image
from tests.pool.files import dicom_file, image_bytes


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\x00b", "ab"),
        ("ACME\x00\x00", "ACME"),
        ("half \ud83d letter", "half \ufffd letter"),
        ("whole 🫁 letter", "whole 🫁 letter"),
        ("bell\x07rings", "bell rings"),
        ("two\r\nlines\tand a tab", "two\nlines\tand a tab"),
        ("composed u\u0308", "composed ü"),
        (os.fsdecode(b"Lungenentz\xfcndung"), "Lungenentzündung"),
    ],
)
def test_text_is_cleaned_of_what_no_table_takes(text: str, clean: str) -> None:
    assert plain(text) == clean


def test_a_line_has_no_runs_of_space_and_no_more_letters_than_allowed() -> None:
    assert line(" two\n lines\x00 ", most=7) == "two lin"


@given(st.text(st.characters(), max_size=300))
def test_any_text_can_be_stored_after_cleaning(text: str) -> None:
    for clean in (plain(text), line(text), file_name(text), storable(text)):
        assert "\x00" not in clean
        clean.encode()
    assert len(file_name(text)) <= 255
    assert plain(plain(text)) == plain(text)


def test_texts_inside_json_are_cleaned_and_numbers_json_lacks_are_null() -> None:
    assert plain_json({"a\x00": ["b\ud800", {"c": float("nan")}], "n": 1, "t": True}) == {
        "a": ["b\ufffd", {"c": None}],
        "n": 1,
        "t": True,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["a\x00b", "a\ud83db", "c\udcffb", "a\x1bb"])
def test_an_odd_text_in_any_field_of_an_image_is_stored_clean(odd: str) -> None:
    image = make_image(label=odd, patient=odd, source_name=odd, provenance={odd: odd, "list": [odd]})

    image.refresh_from_db()

    assert "\x00" not in image.label + image.source_name + json.dumps(image.provenance, ensure_ascii=False)
    assert image.label.startswith(odd[0])
    assert image.patient_key


@pytest.mark.django_db
def test_a_nul_in_a_header_a_table_or_a_folder_ends_no_import(tmp_path: Path) -> None:
    latin = os.fsencode(tmp_path) + b"/K\xf6rper"
    os.mkdir(latin)  # noqa: PTH102  (a path of bytes, which pathlib does not take)
    Path(os.fsdecode(latin), "a.png").write_bytes(image_bytes(seed=1))
    (tmp_path / "b.dcm").write_bytes(
        dicom_file(
            np.arange(1024, dtype=np.int16).reshape(32, 32), Manufacturer="SIE\x00MENS", PatientID="4\x007"
        )
    )
    (tmp_path / "c.png").write_bytes(image_bytes(seed=2))
    dataset = make_dataset(modality="ct")

    outcomes = list(bring_in(dataset, from_paths([ImportItem(tmp_path, "x")], FolderLabels())))

    assert all(isinstance(outcome, Image) for outcome in outcomes)
    assert set(dataset.images.values_list("source_name", "label")) == {
        ("Körper/a.png", "Körper"),
        ("b.dcm", ""),
        ("c.png", ""),
    }
    assert dataset.images.get(source_name="b.dcm").provenance["Manufacturer"] == "Siemens"


def test_a_nul_in_a_table_is_left_out_of_its_cell() -> None:
    table = read_table(b"file,label\n1.png,a\x00b\n", "t")

    assert table.of("1.png").label == "ab"


@pytest.mark.django_db
def test_what_an_error_quotes_can_be_stored() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text", [storable("a\x00b\ud83d")])

        assert cursor.fetchone() == ("ab?",)


def test_a_long_cause_is_cut_between_words_and_says_so() -> None:
    cut = cause(ValueError("The number of bytes is less than expected. " * 9 + "\nmore"))

    assert len(cut) <= 160
    assert cut.endswith(" …")
    assert cut.removesuffix(" …").split()[-1] in [
        "The",
        "number",
        "of",
        "bytes",
        "is",
        "less",
        "than",
        "expected.",
    ]
    assert cause(ValueError()) == "ValueError"
