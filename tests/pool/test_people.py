"""Sex and age come in by a table, coarse, and are added to images that are there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from pool.canonical.pixels import encode_png
from pool.imports.people import age_band_of, sex_of
from pool.models import Dataset, Image, ImportJob
from tests.pool.files import dicom_file


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


PERSON = {"PatientSex": "F", "PatientAge": "047Y", "PatientBirthDate": "19790203"}


def slice_of(seed: int, **tags: str) -> bytes:
    return dicom_file(np.random.default_rng(seed).integers(-900, 300, (32, 32), dtype=np.int16), **tags)


@pytest.mark.django_db
@pytest.mark.parametrize(("ticked", "kept"), [([], ("", "")), (["--with-sex-and-age"], ("F", "40-49"))])
def test_sex_and_band_of_age_are_read_from_dicom_only_where_somebody_asks_for_them(
    tmp_path: Path, ticked: list[str], kept: tuple[str, str]
) -> None:
    (tmp_path / "a.dcm").write_bytes(slice_of(1, **PERSON))

    call_command(
        "import",
        str(tmp_path),
        "--dataset=X",
        "--origin=real",
        "--modality=ct",
        *ticked,
        stdout=StringIO(),
    )

    image = Image.objects.get()
    assert (image.provenance.get("sex", ""), image.provenance.get("age_band", "")) == kept
    assert not any(word in str(image.provenance) for word in ("047", "1979", "Mister"))
    assert ImportJob.objects.get().with_sex_and_age == bool(ticked)


@pytest.mark.django_db
def test_the_page_reads_them_with_its_tick_and_a_table_goes_before_the_header(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    files = [SimpleUploadedFile(f"{n}.dcm", slice_of(n, **PERSON)) for n in (1, 2)]
    table = SimpleUploadedFile("t.csv", b"file,label,sex\n1.dcm,normal,M\n2.dcm,normal,\n")
    wish = {"name": "Y", "origin": "real", "modality": "ct", "labels": "table", "with_sex_and_age": "on"}

    answer = client_of(researcher).post(reverse("pool:upload"), {**wish, "uploads": files, "table": table})
    job = ImportJob.objects.get()
    job.perform()

    stored = Image.objects.order_by("source_name").values_list("provenance__sex", "provenance__age_band")
    assert answer.status_code in {302, 303}, answer.content
    assert list(stored) == [("M", "40-49"), ("F", "40-49")]
    assert "Sex and age band were read" in client_of(researcher).get(job.get_absolute_url()).content.decode()
    assert Dataset.objects.get() == job.dataset
