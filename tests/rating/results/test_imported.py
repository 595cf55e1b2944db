"""Ratings made elsewhere come in as what they are: marked everywhere, analysed, and never mixed with studies."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from accounts.models import User
from audit.models import Event
from pool.canonical.typed_json import as_json
from rating.models import ImportedRatings, Study
from rating.results.build_report import results_of
from rating.results.export.ratings_csv import csv_lines
from rating.results.imported.form import ImportedRatingsForm
from rating.results.imported.numbers import answers_of, results_of_imported
from rating.results.imported.report import imported_csv
from tests.api.callers import caller, post
from tests.rating.cast import ELSEWHERE, imported_ratings, over_study

pytestmark = pytest.mark.django_db

LABEL_STUDIO = json.dumps(
    [
        {
            "data": {"image": f"scan-{number}.png"},
            "annotations": [
                {
                    "completed_by": {"email": f"{who}@example.org"},
                    "result": [{"value": {"choices": [call]}}],
                }
                for who, call in (("mary", calls[0]), ("adam", calls[1]))
            ],
        }
        for number, calls in enumerate([("Real", "Synthetic"), ("Synthetic", "Synthetic"), ("Real", "Real")])
    ]
)
DOCCANO = "\n".join(
    json.dumps({"id": number, "filename": f"{number}.png", "label": [call], "username": who})
    for number in range(3)
    for who, call in (("mary", "real"), ("adam", "fake" if number else "real"))
)


def form_of(text: str, *, truth: str = "", **fields: Any) -> ImportedRatingsForm:
    files: MultiValueDict[str, Any] = MultiValueDict({"file": [SimpleUploadedFile("ratings", text.encode())]})
    if truth:
        files["truth_file"] = SimpleUploadedFile("truth.csv", truth.encode())
    return ImportedRatingsForm({"name": "Elsewhere", "modality": "ct", **fields}, files)


def numbers(results: Any) -> Any:
    return as_json(results.agreement)


def test_our_own_export_comes_back_with_the_same_numbers(rater: User, other_rater: User) -> None:
    study = over_study("Here", raters=[rater, other_rater], unblinded=True, real=5, fake=5)

    row = imported_ratings("There", text="".join(csv_lines(study)))

    ours, theirs = results_of(study), results_of_imported(row)
    assert numbers(theirs) == numbers(ours)
    assert ours.truth is not None
    assert theirs.truth is not None
    assert theirs.truth.fool_rate == ours.truth.fool_rate
    assert theirs.truth.counts == ours.truth.counts


def test_what_goes_out_again_says_that_it_was_imported_and_is_the_same() -> None:
    row = imported_ratings()

    lines = "".join(imported_csv(row))
    again = imported_ratings("Again", text=lines)

    assert {line.split(",")[0] for line in lines.split("\r\n")[1:] if line} == {"imported"}
    assert answers_of(again) == answers_of(row)


def test_label_studio_and_doccano_are_read_by_the_words_of_the_file() -> None:
    studio, doccano = form_of(LABEL_STUDIO, fake_words="synthetic, generated"), form_of(DOCCANO)

    assert (studio.is_valid(), doccano.is_valid()) == (True, True)
    assert studio.answers.codes == [[1, 1, 0], [0, 1, 0]]  # adam, mary
    assert studio.answers.modality == ["ct"] * 3
    assert doccano.answers.codes == [[0, 1, 1], [0, 0, 0]]


def test_no_name_of_a_rater_stays(admin: User) -> None:
    form = form_of(LABEL_STUDIO, fake_words="synthetic")
    assert form.is_valid()
    row = form.save_by(admin)

    stored = json.dumps([*ImportedRatings.objects.values(), *Event.objects.values()], default=str)

    assert answers_of(row).raters == ["R01", "R02"]
    assert "mary" not in stored


def test_the_truth_may_come_apart_and_without_it_there_is_agreement_only() -> None:
    truth = "image,truth\n" + "".join(f"scan-{n}.png,{'fake' if n else 'real'}\n" for n in range(3))

    form = form_of(LABEL_STUDIO, truth=truth, fake_words="synthetic")
    assert form.is_valid()
    known = form.save_by(None)
    unknown = imported_ratings("Untold", text="rater,image,label\nA,1,real\nB,1,fake\n")

    assert results_of_imported(known).truth is not None
    assert results_of_imported(unknown).truth is None
    assert results_of_imported(unknown).agreement.ratings == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rater,image\nA,1\n", "label (or answer)"),
        ("rater,image,answer\nA,1,benign\n", "not one of real, fake, unsure"),
        ("rater,image,answer\n", "no line but its header"),
        ("rater,image,answer\nA,1\n", "A line has 2 cells"),
        ("rater,image,answer\nA,1,\n", "no rating"),
        ("rater,image,answer,truth\nA,1,real,maybe\n", "neither real nor fake"),
        ("rater,image,answer,truth\nA,1,real,real\nB,1,real,fake\n", "the other one before"),
        ("rater,image,answer,truth\nA,1,real,real\nA,2,real,\n", "The truth of 1 of 2 images is missing"),
        ("rater,image,answer,modality\nA,1,real,ultrasound\n", "A modality is none of"),
        ('rater,image,answer\nA,"1,real\n', "quotation mark"),
        ('[{"data": 1, "annotations": 5}]', "no export of Label Studio"),
        ('[{"username": ["a"], "label": {"a": 1}, "image": {}}]', "no export of Label Studio"),
        ("[" * 100_000, "is none"),
        ("", "needed"),
        ("\x00", "needed"),
    ],
)
def test_a_file_that_is_no_ratings_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    form = form_of(text)

    assert not form.is_valid()
    assert sentence in str(form.errors) or "empty" in str(form.errors)


def test_a_name_of_a_study_is_no_name_for_them(rater: User) -> None:
    over_study("Here", raters=[rater])

    assert list(form_of("rater,image,answer\nA,1,real\n", name="Here").errors) == ["name"]


def test_every_page_and_file_says_that_they_were_imported(client: Client, researcher: User) -> None:
    client.force_login(researcher)
    file = SimpleUploadedFile("r.csv", ELSEWHERE.encode())
    fields = {"name": "Elsewhere", "modality": "xray", "origin": "Two residents, by e-mail."}

    answer = client.post(reverse("rating:imported_list"), {**fields, "file": file})
    row = ImportedRatings.objects.get()
    pages = [client.get(row.get_absolute_url()), client.get(reverse("rating:imported_list"))]
    report = client.get(f"{row.get_absolute_url()}report.html")
    pdf = client.get(f"{row.get_absolute_url()}report.pdf")
    figure = client.get(f"{row.get_absolute_url()}figures/agreement.svg")
    table = client.get(f"{row.get_absolute_url()}figures/agreement.csv")

    assert answer.headers["Location"] == row.get_absolute_url()
    for page in (*pages, report):
        assert "imported" in page.text.lower()
    assert "neither blinded nor timed them" in pages[0].text
    assert "Two residents" in report.text
    assert "blinded reader study" not in report.text
    assert ", as declared" not in report.text
    assert "(declared)" not in report.text
    assert pdf.content.startswith(b"%PDF")
    assert (figure.status_code, table.status_code) == (200, 200)
    assert not Study.objects.exists()


def test_they_are_removed_with_a_reason_that_the_log_keeps(client: Client, researcher: User) -> None:
    row = imported_ratings()
    client.force_login(researcher)

    client.post(f"{row.get_absolute_url()}remove", {"reason": ""})
    is_there = ImportedRatings.objects.exists()
    client.post(f"{row.get_absolute_url()}remove", {"reason": "The wrong file."})

    assert is_there
    assert not ImportedRatings.objects.exists()
    assert Event.objects.filter(action="removed imported ratings", reason="The wrong file.").exists()


def test_their_numbers_are_computed_once_when_they_come_in_and_go_with_them(
    client: Client, researcher: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    row = imported_ratings("There")
    before = numbers(results_of_imported(row))

    monkeypatch.setattr("rating.results.imported.numbers.study_results", lambda *_: pytest.fail("once more"))
    client.force_login(researcher)
    page = client.get(reverse("rating:imported", args=[row.slug]))
    folder = row.results_folder
    was_there = folder.is_dir()
    with django_capture_on_commit_callbacks(execute=True):
        row.remove(by=researcher, reason="Once is enough.")

    assert page.status_code == 200
    assert as_json(page.context["report"]) == before
    assert (was_there, folder.is_dir()) == (True, False)


def test_their_drawings_are_made_once_for_every_report(
    client: Client, researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = reverse("rating:imported_report", args=[imported_ratings().slug, "html"])
    client.force_login(researcher)
    first = client.get(report)
    monkeypatch.setattr("rating.results.imported.report.as_file", None)

    assert b"data:image/svg+xml" in first.content
    assert client.get(report).content == first.content


def test_the_command_and_the_api_take_the_same_form(tmp_path: Path, researcher: User) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("rater;image;answer\nA;1;echt\nB;1;fake\n")
    out = StringIO()

    call_command(
        "import-ratings", str(file), "--name", "By command", "--real-words", "echt", "--json", stdout=out
    )
    with pytest.raises(CommandError, match="not one of real, fake, unsure"):
        call_command("import-ratings", str(file), "--name", "Again")
    program = caller(researcher)
    created = post(
        program,
        "/api/v1/imported-ratings",
        {"name": "By API", "file": file.read_text(), "real_words": "echt"},
    )
    results = program.get(f"/api/v1/imported-ratings/{created.json()['slug']}/results").json()

    printed = json.loads(out.getvalue())
    assert "Imported" in printed["imported"]["notice"]
    assert created.status_code == 201
    assert results["imported"]["name"] == "By API"
    assert results["results"]["agreement"]["coefficients"] == printed["coefficients"]
