"""iMRMC and searched remarks leave a page at a time: the same rows as before, and no more memory for more ratings."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from bench.analysis_database import filled_study
from rating.models import Study
from rating.results.export import filtered_remarks, rating_rows
from rating.results.export.filtered_remarks import RemarkFilter, filtered_remark_lines
from rating.results.export.imrmc import SCORES, imrmc_lines
from rating.results.export.ratings_csv import csv_lines
from rating.results.query import read_columns, read_facts, responses_of
from rating.results.remarks import remarks_table, with_facts
from rating.statistics.columns import PER_IMAGE, PER_RATER
from tests.rating.cast import open_study, organiser, rate_all

pytestmark = pytest.mark.django_db
IMAGES = 200
Lines = Callable[[Study], Iterator[str]]


def remark_lines(study: Study) -> Iterator[str]:
    return filtered_remark_lines(study, RemarkFilter(read_facts(study), session=1, words="HILUM"))


@pytest.fixture
def study(rater, other_rater):
    study = open_study("Of lungs", raters=[rater, other_rater], real=6, fake=6)
    codes = [image.code for image in study.images.order_by("code")]
    for person, remark in ((rater, "blurred hilum"), (other_rater, "clear")):
        rate_all(
            study,
            person,
            {code: ("real", "fake", "unsure")[at % 3] for at, code in enumerate(codes)},
            remark=remark,
        )
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")
    return study


def test_imrmc_read_in_pages_has_the_score_of_every_row_of_the_csv(study, monkeypatch):
    monkeypatch.setattr(rating_rows, "PAGE", 5)

    lines = "".join(imrmc_lines(study)).splitlines()

    rows = csv.DictReader(io.StringIO("".join(csv_lines(study))))
    scores = [f"{row['rater']},{row['image']},reading,{SCORES[row['label']]}" for row in rows]
    assert lines[1:5] == ["NR: 2", "N0: 6", "N1: 6", "NM: 1"]
    assert [line for line in lines if ",reading," in line] == scores


def test_remarks_read_in_pages_are_those_of_the_table_at_once(study, monkeypatch):
    answers = [each for each in responses_of(study, text_only=True) if "hilum" in each.remark]
    table = remarks_table(with_facts(read_columns(study), answers), with_truth=True)
    monkeypatch.setattr(filtered_remarks, "PAGE", 4)

    lines = "".join(remark_lines(study))

    assert lines == table.csv()
    assert lines.count("\r\n") == 1 + 12


def test_the_facts_are_those_of_the_columns(study):
    facts, columns = read_facts(study), read_columns(study)

    assert all(
        list(map(str, getattr(facts, name))) == list(map(str, getattr(columns, name)))
        for name in (*PER_RATER, *PER_IMAGE)
    )


@pytest.mark.parametrize("lines_of", [imrmc_lines, remark_lines])
def test_eight_times_the_ratings_take_no_more_memory(lines_of: Lines, monkeypatch):
    monkeypatch.setattr(rating_rows, "PAGE", 200)
    monkeypatch.setattr(filtered_remarks, "PAGE", 200)

    few, many = (peak_of(lines_of, raters) for raters in (10, 80))

    assert many < 2 * few  # with all in memory it is nearly seven times


def peak_of(lines_of: Lines, raters: int) -> int:
    """The most memory that writing this study's lines takes, in bytes; the study is taken back."""
    with transaction.atomic():
        study = filled_study(raters, IMAGES, remark="blurred vessels at the left hilum")
        sum(map(len, lines_of(study)))  # what is loaded once is no part of it
        tracemalloc.start()
        try:
            rows = sum(1 for _line in lines_of(study))
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        transaction.set_rollback(True)
    assert rows > 1
    return peak
