"""The report, the bundle and the export formats of a study that is over."""

import csv
import io
import json
import subprocess
import sys
import zipfile

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from pypdf import PdfReader

from accounts.models import User
from pool.canonical.pixels import thumbnail
from rating.models import Rating
from rating.results.build_report import exhibit_drawer, report_on, results_of
from rating.results.cache import ResultCache
from rating.results.exhibit import Table
from rating.results.export.bundle import SCRIPTS
from rating.results.gallery import Gallery, RatedImage, ShownImage
from rating.results.query import Response
from rating.results.report.contents import Piece, Report, Section
from rating.results.report.html import as_html
from rating.results.report.pdf import _table, as_pdf
from tests.factories import make_pixels
from tests.rating.bundles import bundle
from tests.rating.cast import open_study, organiser, over_study, presentations, rate_all, rewrite

pytestmark = pytest.mark.django_db
DATE = "2026-01-31"


@pytest.fixture
def study(rater, other_rater):
    study = open_study("Of lungs", raters=[rater, other_rater], real=6, fake=6)
    codes = [image.code for image in study.images.order_by("code")]
    rate_all(
        study,
        rater,
        {code: ("real", "fake", "unsure")[at % 3] for at, code in enumerate(codes)},
        remark="=1+1",
    )
    rate_all(study, other_rater, {code: ("real", "fake")[at % 2] for at, code in enumerate(codes)})
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")
    return study


def test_the_bundle_recomputes_its_own_numbers_without_lungrater(study, tmp_path):
    with zipfile.ZipFile(io.BytesIO(bundle(study, DATE))) as archive:
        archive.extractall(tmp_path)

    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "recompute.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 differ" in done.stdout
    assert "AUC" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        *(
            "README.txt",
            "SHA256SUMS",
            "codebook.csv",
            "displays.csv",
            "galleries.csv",
            "images",
            "imrmc.imrmc",
        ),
        *("manifest.json", "numbers.json"),
        *(
            "ratings.csv",
            "ratings.json",
            "ratings.parquet",
            "raters.csv",
            "remarks.csv",
            "ro-crate-metadata.json",
            "primary.csv",
            "recompute.R",
            "recompute.py",
            "recompute_log.py",
            "log.csv",
            "revisions.csv",
            "report.html",
            "report.pdf",
            "sequences.csv",
        ),
    }


def test_recompute_notices_a_changed_number(study, tmp_path):
    with zipfile.ZipFile(io.BytesIO(bundle(study, DATE))) as archive:
        archive.extractall(tmp_path)
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    numbers["agreement"]["coefficients"]["gwet_ac1"]["estimate"] += 0.01
    (tmp_path / "numbers.json").write_text(json.dumps(numbers))

    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "recompute.py"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "1 differ" in done.stdout


def test_the_same_study_gives_the_same_bytes(study):
    assert bundle(study, DATE) == bundle(study, DATE)


def test_galleries_stand_in_the_report_and_in_the_bundle_with_every_label_and_remark(study):
    with zipfile.ZipFile(io.BytesIO(bundle(study, DATE))) as archive:
        page = archive.read("report.html").decode()
        rows = list(csv.DictReader(io.StringIO(archive.read("galleries.csv").decode())))
        images = {name: archive.read(name) for name in archive.namelist() if name.startswith("images/")}

    gallery = page.split("Most fooling fakes")[1].split("Real images called fake")[0]
    first = next(row for row in rows if row["gallery"] == "most-fooling")
    with study.images.get(code=first["image"]).derivative.open("rb") as derivative:
        assert images[f"images/{first['image']}.png"] == derivative.read()
    assert f'alt="Image {first["image"]}"' in gallery
    assert "truly fake" in gallery
    assert "truly real" not in gallery
    assert "R01: =1+1" in gallery
    assert {row["gallery"] for row in rows} == {"most-fooling", "real-called-fake", "fake-by-two", "split"}
    assert first["truth"] == "fake"
    assert int(first["real"]) == first["labels"].count(" real")
    for heading in ("Real images called fake", "Called fake by two or more", "Split opinions"):
        assert heading in page


def test_the_report_tells_what_made_the_fakes_why_and_what_was_written(study):
    fakes = [one.image for one in study.images.filter(image__origin="synthetic")]
    for number, image in enumerate(fakes):
        image.provenance = {
            "engine": "openai",
            "model": "dall-e-2",
            "prompt": "lungs <b>",
            "seed": str(number),
        }
        image.save(update_fields=["provenance"])
    presentation = presentations(study, study.enrolments.first().user)[0]
    rewrite(Rating.objects.filter(presentation=presentation), reasons=["Unusual ribs"])

    report = report_on(study, results_of(study), DATE)

    tables = {piece.title: piece.table for section in report.sections for piece in section.pieces}
    assert tables["What made the fakes"].rows == [
        ["dall-e-2", 6, "openai", "“lungs <b>”", None, "6 different", None]
    ]
    assert tables["Reasons given"].rows == [
        ["Unusual ribs", "fake" if presentation.study_image.image in fakes else "real", 1]
    ]
    assert len(tables["Remarks"].rows) == 12
    assert {row[-1] for row in tables["Remarks"].rows} == {"=1+1"}
    page = as_html(report, lambda *_: b"").decode()
    assert "lungs &lt;b&gt;" in page
    assert "A person must write this." in page


def test_what_two_hundred_raters_said_of_an_image_fits_on_its_page(study):
    told = [Response(f"R{n:03}", "I1", "fake", "a remark of some length " * 3, ()) for n in range(200)]
    image = ShownImage(RatedImage("I1", "xray", "fake", "lungs", 0, 200, 0), told, thumbnail(make_pixels()))
    galleries = [Gallery("Split", [image] * 7, 9)]
    report = Report("Large", DATE, [Section("Primary result"), Section("Which images?", galleries=galleries)])

    pages = pages_of(report)

    assert len(pages) == 3
    assert pages[1].count("galleries.csv has the rest") == 4
    assert pages[2].count("galleries.csv has the rest") == 3


def pages_of(report):
    paper = PdfReader(io.BytesIO(as_pdf(report, lambda *_: b"")))
    return [page.extract_text() for page in paper.pages]


def test_the_printed_report_is_tagged_titled_and_numbered_and_names_nobody(study):
    results = results_of(study)
    report = report_on(study, results, DATE)

    paper = PdfReader(io.BytesIO(as_pdf(report, exhibit_drawer(ResultCache(study), results))))

    assert "'/Marked': True" in str(paper.root_object["/MarkInfo"])
    assert "pdfuaid" in str(paper.xmp_metadata.stream.get_data())
    assert str(paper.root_object["/Lang"]) == "en"
    assert paper.metadata.title == study.name
    assert all(page.mediabox.width < page.mediabox.height for page in paper.pages)
    texts = [page.extract_text() for page in paper.pages]
    assert "Declared primary result" in texts[0]
    assert [section.title for section in report.sections if section.title not in texts[0]] == []
    assert all(f"{at} of {len(texts)}" in text for at, text in enumerate(texts, 1))
    addresses = User.objects.values_list("email", flat=True)
    assert [address for address in addresses if address in "".join(texts)] == []


def test_no_letter_breaks_the_printed_report_and_no_words_are_read_as_markup():
    odd = "研究 #pagebreak() $x$ *b* @ref <a> \\ \x07\u202e 🫁 سلام " + "9f" * 200
    table = Table(("Remark", odd), [[odd, 1.0], [odd, None]])
    report = Report(
        odd, DATE, [Section(odd, [odd], pieces=[Piece(odd, table), Piece("Empty", Table(("A",), []))])]
    )

    text = "".join(pages_of(report))

    assert "#pagebreak() $x$ *b* @ref <a>" in " ".join(text.split())


def test_what_a_study_has_no_numbers_for_is_listed_once_with_the_reason(study):
    report = report_on(study, results_of(study), DATE)

    shown = {piece.title for section in report.sections for piece in section.pieces}
    (left_out,) = (section for section in report.sections if section.title == "Not shown")
    assert ["Time per case", "No active time was measured."] in [
        list(row) for row in left_out.pieces[0].table.rows
    ]
    assert "Time per case" not in shown


def test_a_blinded_bundle_tells_no_truth(rater):
    study = over_study("Closed", raters=[rater])

    with zipfile.ZipFile(io.BytesIO(bundle(study, DATE))) as archive:
        words = b"".join(archive.read(name) for name in archive.namelist() if name not in SCRIPTS).decode(
            errors="replace"
        )

    assert "synthetic" not in words
    assert "truly" not in words


def test_the_json_twin_keeps_the_remark_as_it_was_written(study, tmp_path):
    call_command("export", study.name, format="json", output=tmp_path / "ratings.json")

    rows = json.loads((tmp_path / "ratings.json").read_text())["ratings"]

    assert rows[0]["remark"] == "=1+1"
    assert {row["truth"] for row in rows} == {"real", "fake"}


def test_imrmc_has_a_truth_row_per_case_and_a_score_per_rating(study, tmp_path):
    call_command("export", study.name, format="imrmc", output=tmp_path / "study.imrmc")

    lines = (tmp_path / "study.imrmc").read_text().splitlines()
    data = lines[lines.index("BEGIN DATA:") + 1 :]

    assert len([line for line in data if line.startswith("truth,")]) == 12
    assert len(data) == 12 + 24
    assert all(line.count(",") == 3 for line in data)


def test_imrmc_of_a_blinded_study_is_refused(rater, tmp_path):
    study = over_study("Closed", raters=[rater])

    with pytest.raises(CommandError, match="unblind the study first"):
        call_command("export", study.name, format="imrmc", output=tmp_path / "x")
    assert not study.events.filter(action="exported ratings").exists()


def test_the_report_needs_nothing_else_and_marks_what_a_person_must_write(study, researcher, client_of):
    browser = client_of(researcher)

    page = browser.get(reverse("rating:report", args=[study.slug, "html"])).content.decode()
    paper = browser.get(reverse("rating:report", args=[study.slug, "pdf"])).content

    assert "A person must write this." in page
    assert 'src="data:image/svg+xml;base64,' in page
    assert 'src="/' not in page
    assert 'href="' not in page
    assert "two raters only" in page
    assert paper.startswith(b"%PDF")


def test_analyse_prints_every_number(study, capsys):
    call_command("analyse", study.name, json=True)

    found = json.loads(capsys.readouterr().out)

    assert found["raters"] == 2
    assert found["truth"]["fakes"] == 6
    assert found["coefficients"]["cohen_kappa"]["estimate"] is not None


def test_the_page_that_checks_a_table_shows_what_contradicts(researcher, client_of):
    browser = client_of(researcher)

    example = browser.get(reverse("rating:check_table")).content.decode()
    asked = {
        "first_real": 3,
        "first_fake": 17,
        "first_unsure": 0,
        "second_real": 2,
        "second_fake": 18,
        "second_unsure": 0,
    }
    own = browser.get(reverse("rating:check_table"), {**asked, "both_real": 3}).content.decode()
    broken = browser.get(reverse("rating:check_table"), {**asked, "second_real": 5}).content.decode()

    assert "CT, both real: 3 contradicts" in example
    assert "X-ray, both real: 5 is possible" in example
    assert "3 contradicts the raters" in own
    assert "must add up to the same number" in broken


def test_check_table_command_reads_counts(capsys):
    call_command(
        "check-table", first="real=14,fake=4,unsure=2", second="real=10,fake=10,unsure=0", claim="real=5"
    )

    output = capsys.readouterr().out

    assert "5 is possible" in output
    assert "-0.36, -0.27" in output


def test_a_table_of_many_columns_is_set_so_small_that_its_heads_stand_apart():
    tables = [_table(Table(("Sensitivity",) * count, [(0.5,) * count], [])) for count in (6, 12, 15)]

    assert [(table["size"], table["lies"]) for table in tables] == [(8, False), (6, False), (7, True)]
