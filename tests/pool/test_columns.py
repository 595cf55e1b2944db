"""Columns of a table are kept of an image by the names that whoever imports gives, and no other ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from pool.canonical.attributes import attribute_of, lines_of, names_in
from pool.canonical.pixels import encode_png
from pool.imports.columns import LONGEST_VALUE, MOST_COLUMNS, column_names
from pool.imports.labels import BadSourceError
from pool.imports.tables import read_table
from pool.models import Image, ImportJob

WORDS = ("--dataset=X", "--origin=real", "--modality=xray")


def png(seed: int) -> bytes:
    return encode_png(np.random.default_rng(seed).integers(0, 255, (32, 32), dtype=np.uint8))


@pytest.fixture
def xrays(tmp_path: Path) -> Path:
    folder = tmp_path / "xrays"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png(number))
    return folder


def stored() -> list[dict[str, str]]:
    rows = Image.objects.order_by("source_name").values_list("provenance", flat=True)
    return [row.get("attributes", {}) for row in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("with_finding", [True, False])
def test_named_columns_of_a_metadata_csv_are_kept_and_no_others(xrays: Path, with_finding: bool) -> None:
    finding = ("label,", "normal,") if with_finding else ("", "")
    (xrays / "metadata.csv").write_text(
        f'file_name,{finding[0]}Scanner,bmi,ward\n0.png,{finding[1]}"GE, Optima",22.5,zq7\n'
        f"1.png,{finding[1]}Siemens,nan,zq7\n2.png,{finding[1]},31,zq7\n"
    )

    call_command(
        "import", str(xrays), "--layout=imagefolder", "--columns=Scanner, bmi", *WORDS, stdout=StringIO()
    )

    assert stored() == [{"scanner": "GE, Optima", "bmi": "22.5"}, {"scanner": "Siemens"}, {"bmi": "31"}]
    assert not any("zq7" in str(image.provenance) for image in Image.objects.all())
    assert ImportJob.objects.get().columns == ["scanner", "bmi"]
    assert ("Scanner", "GE, Optima") in Image.objects.get(source_name="0.png").said_of_it


@pytest.mark.django_db
def test_without_their_names_no_columns_are_kept_and_a_second_import_adds_what_was_left_open(
    xrays: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("file,label,scanner,bmi\n0.png,a,GE,20\n1.png,a,GE,21\n2.png,a,GE,22\n")
    again = StringIO()

    call_command("import", str(xrays), f"--labels={table}", *WORDS, stdout=StringIO())
    without = stored()
    call_command("import", str(xrays), f"--labels={table}", "--columns=scanner", *WORDS, stdout=StringIO())
    call_command(
        "import", str(xrays), f"--labels={table}", "--columns=bmi,scanner", "--json", *WORDS, stdout=again
    )

    assert without == [{}] * 3
    assert stored() == [{"scanner": "GE", "bmi": bmi} for bmi in ("20", "21", "22")]
    assert [entry["added"] for entry in json.loads(again.getvalue())["duplicates"]] == ["bmi"] * 3


@pytest.mark.django_db
def test_the_page_and_a_program_keep_them_too_and_say_so(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    wish = {"name": "Y", "origin": "real", "modality": "xray", "labels": "table", "columns": "scanner"}
    files = [SimpleUploadedFile("0.png", png(0))]
    table = SimpleUploadedFile("t.csv", b"file,label,scanner\n0.png,normal,<b>GE</b>\n")
    client = client_of(researcher)

    answer = client.post(reverse("pool:upload"), {**wish, "uploads": files, "table": table})
    job = ImportJob.objects.get()
    job.perform()

    assert answer.status_code in {302, 303}, answer.content
    assert stored() == [{"scanner": "<b>GE</b>"}]
    assert "as whoever imported asked: scanner" in client.get(job.get_absolute_url()).content.decode()
    page = client.get(Image.objects.get().get_absolute_url()).content.decode()
    assert "&lt;b&gt;GE&lt;/b&gt;" in page
    assert "<b>GE</b>" not in page


@pytest.mark.django_db
def test_a_table_that_is_sent_is_read_where_nobody_chose_where_the_findings_are(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    wish = {"name": "Y", "origin": "real", "modality": "xray", "labels": "none", "columns": "scanner"}
    table = SimpleUploadedFile("t.csv", b"file,label,scanner\n0.png,normal,GE\n")
    files = {"uploads": [SimpleUploadedFile("0.png", png(0))], "table": table}

    answer = client_of(researcher).post(reverse("pool:upload"), {**wish, **files})
    ImportJob.objects.get().perform()

    assert answer.status_code in {302, 303}, answer.content
    assert (Image.objects.get().label, stored()) == ("normal", [{"scanner": "GE"}])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--columns=scanner",), "give --labels CSV or --layout"),
        (("--labels={table}", "--columns=scannr"), "no column scannr; it has file, label, scanner"),
        (("--labels={table}", "--columns=age"), "read without being named"),
        (("--labels={table}", "--columns=age_band"), "read without being named"),
        (("--labels={table}", "--columns=Date of birth"), "never kept"),
        (("--labels={table}", "--columns=seed"), "never kept"),
        (("--labels={table}", "--columns=a{{b"), "letters, digits and spaces"),
        (("--labels={table}", "--columns=" + "a" * 41), "letters, digits and spaces"),
        (("--layout=kaggle", "--columns=scanner"), "no table of which columns"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(
    xrays: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("file,label,scanner\n0.png,a,GE\n")

    with pytest.raises(CommandError, match=sentence):
        call_command("import", str(xrays), *(word.format(table=table) for word in words), *WORDS)

    assert not Image.objects.exists()


def test_names_and_values_are_bounded_and_hold_nothing_that_a_database_cannot() -> None:
    long = "x" * (LONGEST_VALUE + 1)
    data = f'file,label,note,mark\n0.png,a,{long},"a\x00b\n\x1bc"\n'.encode()

    facts = read_table(data, "t.csv", columns=column_names("note, mark")).of("0.png")

    assert facts.columns == {"note": "x" * LONGEST_VALUE, "mark": "ab c"}
    assert [note.code for note in facts.notes] == ["columns"]
    with pytest.raises(BadSourceError, match=f"At most {MOST_COLUMNS}"):
        column_names(",".join(f"a{number}" for number in range(MOST_COLUMNS + 1)))


def test_rows_of_one_file_that_differ_leave_a_column_empty() -> None:
    data = b"file,label,reader,scanner,bmi\n0.png,a,A,GE,20\n0.png,a,B,Siemens,20\n"

    assert read_table(data, "t.csv", columns=("scanner", "bmi")).of("0.png").columns == {"bmi": "20"}


def test_a_column_of_ones_and_noughts_that_is_kept_is_no_finding() -> None:
    data = b"file,opacity,nodule,smoker\n0.png,1,0,1\n1.png,0,1,0\n"

    facts = read_table(data, "t.csv", columns=("smoker",)).of("0.png")

    assert (facts.label, facts.columns) == ("opacity", {"smoker": "1"})


@pytest.mark.parametrize(
    "name",
    [
        *("study_date", "StudyDate", "date of death", "birthday", "patient_dob", "name_of_patient", "phone"),
        *("patient_address", "nhs_number", "Patient Name", "PatientBirthDate", "year_of_birth", "e_mail"),
        *("trained_on", "edit_of", "checkpoint_sha256", "lora", "strength", "text_encoder"),
    ],
)
def test_a_column_of_a_person_of_a_day_or_of_how_an_image_was_made_is_never_kept(name: str) -> None:
    with pytest.raises(BadSourceError, match="never kept"):
        column_names(name)


def test_words_that_only_look_like_a_persons_are_kept() -> None:
    names = ("candidate", "update", "scanner_name", "birth_weight", "death", "addressed", "mobile", "zipped")

    assert column_names(", ".join(names)) == names


def test_what_an_image_says_itself_goes_before_a_column_of_the_same_name() -> None:
    provenance = {"steps": 20, "dose": 0, "attributes": {"steps": "9", "lobe": "left"}}

    assert [attribute_of(provenance, name) for name in ("steps", "dose", "lobe")] == ["20", "0", "left"]
    assert lines_of(provenance) == [("Dose", "0"), ("Lobe", "left"), ("Steps", "20")]


def test_an_attribute_is_read_by_its_name_wherever_it_stands() -> None:
    provenance = {"sex": "F", "ViewPosition": "PA", "attributes": {"scanner": "GE"}, "readers": {"A": "x"}}

    assert [
        attribute_of(provenance, name) for name in ("sex", "view", "scanner", "readers", "attributes")
    ] == [
        *("F", "PA", "GE", "", ""),
    ]
    assert names_in([provenance, {"attributes": {"bmi": "20"}}]) == ["view", "sex", "bmi", "scanner"]
    assert ("Scanner", "GE") in lines_of(provenance)
