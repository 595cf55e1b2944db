"""A table for a manuscript says what the page says, in Word and in LaTeX."""

from __future__ import annotations

import io

import docx
import pytest
from django.urls import reverse

from rating.results.exhibit import NOTE, Table
from rating.results.export.table_files import as_latex, as_word
from tests.rating.cast import over_study

TABLE = Table(
    ("Rater & group", "κ", NOTE),
    [["R01_a", 0.51234, ""], ["100 % {x}", None, "Too few\x07."]],
    ["Cohen’s κ < 1."],
)


def test_a_latex_table_escapes_what_latex_would_run_and_keeps_the_numbers() -> None:
    text = as_latex(TABLE, "Agreement #1")

    assert r"\caption{Agreement \#1}" in text
    assert r"\begin{tabular}{lrl}" in text
    assert r"Rater \& group & \ensuremath{\kappa}" in text
    assert r"R01\_a & 0.512 &  \\" in text
    assert r"100 \% \{x\} & -- & [1] \\" in text
    assert "\n[1] Too few." in text
    assert r"Cohen’s \ensuremath{\kappa} \ensuremath{<} 1." in text


def test_a_word_table_has_the_same_cells_and_its_head_on_each_page() -> None:
    document = docx.Document(io.BytesIO(as_word(TABLE, "Agreement")))

    [table] = document.tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["Rater & group", "κ", NOTE],
        ["R01_a", "0.512", ""],
        ["100 % {x}", "–", "[1]"],
    ]
    assert "tblHeader" in table.rows[0]._tr.xml
    assert [paragraph.text for paragraph in document.paragraphs if paragraph.text] == [
        "Agreement",
        "[1] Too few.",
        "Cohen’s κ < 1.",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["tex", "docx"])
def test_the_files_are_there_for_whoever_may_see_the_table(browser, rater, other_rater, kind):
    study = over_study(raters=[rater, other_rater])

    answer = browser.get(reverse("rating:analysis_figure", args=[study.slug, "agreement", kind]))
    hidden = browser.get(reverse("rating:analysis_figure", args=[study.slug, "labels-by-truth", kind]))

    assert answer.status_code == 200
    assert f'filename="agreement.{kind}"' in answer["Content-Disposition"]
    assert hidden.status_code == 404
