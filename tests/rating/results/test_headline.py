"""The study's page begins with the declared primary result, for whoever may see it and not before."""

from __future__ import annotations

import io
import re
from typing import Any, cast

import pytest
from django.urls import reverse
from pypdf import PdfReader

from audit.models import Event
from rating.models import Rating
from rating.results.report.pdf import _headline
from rating.results.sections.headline import Headline
from rating.results.sections.primary import NO_MARGIN
from rating.results.study_results import PrimaryResult
from rating.statistics.estimate import Estimate
from tests.rating.cast import open_study, over_study, rate_all
from tests.rating.reading.conftest import complaints, open_browser

__all__ = ["complaints", "open_browser"]
pytestmark = pytest.mark.django_db
# Of each of the numbers beside each other: where it ends, and where its small print begins.
NUMBERS = """() => [...document.querySelectorAll('.stats dd')].map((dd) => {
  const number = document.createRange()
  number.selectNodeContents(dd.firstChild)
  return [number.getBoundingClientRect().bottom, dd.querySelector('small').getBoundingClientRect().top]
})"""


def test_an_unblinded_study_leads_with_its_declared_result(browser, page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=4, unblinded=True)

    text = page(study, "study")

    assert "Primary result, as declared before unblinding" in text
    assert '<p class="number">0.500 ' in text  # one of two raters called every fake real
    assert "2 raters, 4 images, 8 ratings" in text
    assert Event.objects.filter(action="looked at the truth", detail__page="headline").count() == 1


def test_a_result_that_nobody_rated_draws_no_figure(browser, page, rater):
    study = open_study(raters=[rater])
    study.close(None)
    study.unblind(None, "Nobody came.")

    text = page(study, "study")

    assert "Nobody rated any of these images." in text
    assert "primary.svg" not in text


def test_the_page_holds_the_place_of_the_figure_free(browser, page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=4, unblinded=True)

    [(width, height)] = re.findall(r'<img [^>]*width="(\d+)" height="(\d+)"', page(study, "study"))

    svg = browser.get(reverse("rating:analysis_figure", args=[study.slug, "primary", "svg"])).text
    [(across, down)] = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert int(width) / int(height) == pytest.approx(float(across) / float(down), rel=0.01)


def test_a_result_that_depends_on_the_truth_waits_for_the_unblinding(browser, page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=4)

    assert "Primary result" not in page(study, "study")


def test_agreement_needs_no_truth_and_leads_a_closed_study(browser, page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=4, primary_endpoint="agreement")

    assert "Krippendorff" in page(study, "study")


def test_an_open_study_has_no_headline(browser, page, rater):
    study = open_study(raters=[rater], real=2, fake=2, primary_endpoint="agreement")
    rate_all(study, rater, "fake")

    assert "Primary result" not in page(study, "study")


def test_where_ratings_were_changed_past_the_pages_the_study_opens_without_a_headline(
    browser, page, rater, other_rater
):
    study = over_study(raters=[rater, other_rater], real=4, fake=4, unblinded=True)
    Rating.objects.update(confidence=1)

    assert "Primary result" not in page(study, "study")


def test_page_one_of_the_paper_report_begins_with_it_in_two_weights(browser, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=4, unblinded=True)

    answer = browser.get(reverse("rating:report", args=[study.slug, "pdf"]))

    page = PdfReader(io.BytesIO(answer.content)).pages[0]
    text, fonts = page.extract_text(), cast("Any", page["/Resources"])["/Font"].values()
    assert text.index("Declared primary result") < text.index("0.500") < text.index("Contents")
    assert "Fakes called real" in text
    assert {str(font["/BaseFont"]).partition("+")[2] for font in fonts} == {
        "IBMPlexSans",
        "IBMPlexSans-SmBld",
    }


def test_the_box_says_why_there_is_no_number_beside_what_may_be_concluded():
    of_nobody = Estimate.undefined("Nobody rated a fake.")
    primary = PrimaryResult("fool rate", "Fool rate", of_nobody, 0, 0, 0, "none", NO_MARGIN)

    box = _headline(Headline(primary, []))

    assert box is not None
    assert box["verdict"] == f"Nobody rated a fake. {NO_MARGIN}"


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [1280, 1000])
def test_the_small_print_of_each_number_stands_below_it(open_browser, researcher, rater, other_rater, width):
    study = over_study(raters=[rater, other_rater], real=4, fake=4, unblinded=True)
    page = open_browser(researcher, viewport={"width": width, "height": 800})

    page.goto(reverse("rating:analysis", args=[study.slug]))

    numbers = page.evaluate(NUMBERS)
    assert len(numbers) == 4
    assert all(small >= end - 6 for end, small in numbers)  # its line is a little higher than its digits
    assert len({round(end) for end, _ in numbers}) == 1
