"""The exported CSV: what it holds, what it keeps back, and that `lungrater agreement` reads it."""

import csv
import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from pool.canonical.guarding import guarded
from rating.models import Sitting
from rating.results.export.ratings_csv import CODEBOOK
from tests.rating.cast import open_study, organiser, over_study, rate_all

RUN_BY_A_SPREADSHEET = set("=+-@\t\r\n＝＋－＠")


@given(st.text())
def test_no_cell_starts_as_a_formula(text):
    cell = guarded(text)

    assert not cell.lstrip(" \v\f")[:1] or cell.lstrip(" \v\f")[0] not in RUN_BY_A_SPREADSHEET
    assert "\0" not in cell


@given(st.text(alphabet=st.characters(exclude_characters="=+-@\t\r\n'＝＋－＠\0", exclude_categories=["Cs"])))
def test_harmless_text_is_left_alone(text):
    assert guarded(text) == text


@pytest.fixture
def csv_of(client_of, researcher):
    browser = client_of(researcher)

    def rows(study) -> list[dict[str, str]]:
        response = browser.get(reverse("rating:ratings_csv", args=[study.slug]))
        assert response.status_code == 200
        return list(csv.DictReader(io.StringIO(response.getvalue().decode())))

    return rows


@pytest.mark.django_db
def test_one_row_per_presentation_with_every_column_of_the_codebook(csv_of, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=3, fake=2)

    rows = csv_of(study)

    assert list(rows[0]) == list(CODEBOOK)
    assert [(row["rater"], row["position"]) for row in rows] == [
        (who, str(position)) for who in ("R01", "R02") for position in range(1, 6)
    ]
    assert {row["label"] for row in rows if row["rater"] == "R02"} == {"fake"}


@pytest.mark.django_db
def test_truth_dataset_and_finding_are_empty_until_unblinded(csv_of, rater):
    study = over_study(raters=[rater])

    assert {(row["truth"], row["dataset"], row["finding"]) for row in csv_of(study)} == {("", "", "")}
    study.unblind(organiser(), "All raters have finished.")
    assert {row["truth"] for row in csv_of(study)} == {"real", "fake"}
    assert all(row["dataset"] for row in csv_of(study))


@pytest.mark.django_db
def test_images_not_rated_are_rows_without_a_label(csv_of, rater):
    study = open_study(raters=[rater])
    study.close(organiser())

    assert {row["label"] for row in csv_of(study)} == {""}


@pytest.mark.django_db
def test_remarks_survive_commas_quotes_and_line_breaks(csv_of, rater):
    study = open_study(raters=[rater])
    remark = 'effusion, "left"\nlower lobe'
    rate_all(study, rater, "unsure", remark=remark)
    study.close(organiser())

    assert {row["remark"] for row in csv_of(study)} == {remark}


@pytest.mark.django_db
@pytest.mark.parametrize("marks", [False, True])  # their table is written by another way
@pytest.mark.parametrize("remark", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1"])
def test_a_remark_that_a_spreadsheet_would_run_is_guarded_in_the_file(csv_of, rater, remark, marks):
    study = open_study(raters=[rater], marks=marks)
    rate_all(study, rater, "unsure", remark=remark)
    study.close(organiser())

    assert {row["remark"] for row in csv_of(study)} == {f"'{remark}"}


@pytest.mark.django_db
def test_the_agreement_command_reads_the_export(
    csv_of, client_of, researcher, rater, other_rater, tmp_path, capsys
):
    study = over_study(raters=[rater, other_rater], real=3, fake=3)
    response = client_of(researcher).get(reverse("rating:ratings_csv", args=[study.slug]))
    file = tmp_path / "ratings.csv"
    file.write_bytes(response.getvalue())

    call_command("agreement", str(file), json=True)

    report = json.loads(capsys.readouterr().out)
    assert (report["raters"], report["images"], report["ratings"]) == (2, 6, 12)
    assert report["coefficients"]["percent_agreement"]["estimate"] == 0


@pytest.mark.django_db
def test_no_csv_while_raters_may_still_rate(client_of, researcher, rater):
    study = open_study(raters=[rater])

    assert client_of(researcher).get(reverse("rating:ratings_csv", args=[study.slug])).status_code == 404


@pytest.mark.django_db
def test_the_codebook_explains_every_column(client_of, researcher, rater):
    study = over_study(raters=[rater])

    response = client_of(researcher).get(reverse("rating:codebook", args=[study.slug]))

    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert {row["column"]: row["meaning"] for row in rows} == CODEBOOK


@pytest.mark.django_db
def test_a_session_started_over_is_exported_once(csv_of, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    rate_all(study, rater, "fake")
    rate_all(study, other_rater, "fake")
    Sitting.objects.current(rater, study).reset(organiser(), "Read on a telephone.")
    rate_all(study, rater, "real")
    study.enrolments.get(user=other_rater).withdraw(organiser(), "Has left.")
    study.close(organiser())

    rows = csv_of(study)

    assert {(row["rater"], row["session"], row["label"]) for row in rows} == {("R01", "1", "real")}
    assert len(rows) == study.images.count()
