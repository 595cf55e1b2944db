"""The images and the remarks of a study that is over: what raters agreed on, what fooled them, what they wrote."""

import csv
import html
import io
import re
import uuid

import pytest
from django.urls import reverse

from rating.models import Rating
from tests.rating.cast import open_study, organiser, presentations, rated

pytestmark = pytest.mark.django_db


def test_galleries_show_what_raters_called_the_same_and_what_split_them(page, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=2, fake=2)
    codes = rated(
        study, {"R01": ["real", "fake", "real", "unsure"], "R02": ["real", "fake", "fake", "unsure"]}
    )

    def images_in(gallery):
        return re.findall(r'alt="Image (\w+)"', page(study, "analysis_images", show=gallery))

    assert images_in("real-by-all") == [codes[0]]
    assert images_in("fake-by-two") == [codes[1]]
    assert images_in("split") == [codes[2]]
    assert "R02 fake" in page(study, "analysis_images", show="split")
    assert "Most fooling" not in page(study, "analysis_images")


def test_the_most_fooling_fakes_come_first_once_unblinded(page, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=0, fake=3)
    codes = rated(study, {"R01": ["fake", "real", "real"], "R02": ["fake", "fake", "real"]})
    study.unblind(organiser(), "All have finished.")

    images = re.findall(r'alt="Image (\w+)"', page(study, "analysis_images", show="most-fooling"))

    assert images == [codes[2], codes[1]]


def test_remarks_are_searched_counted_and_escaped(page, rater):
    study = open_study(raters=[rater], real=1, fake=1)
    first, second = presentations(study, rater)
    for presentation, remark in ((first, "<script>alert(1)</script>"), (second, "left lower lobe effusions")):
        Rating.record(presentation, uuid.uuid4(), label="fake", remark=remark, reasons=["Unusual ribs"])
    study.close(organiser())

    text = page(study, "analysis_remarks")
    of_effusion = page(study, "analysis_remarks", q="EFFUSION")

    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert re.search(r"Unusual ribs</td>\s*<td class=\"number\">2", text)
    assert "left lower lobe" in of_effusion
    assert "&lt;script&gt;" not in of_effusion


def test_the_csv_of_the_remarks_keeps_search_and_filters(browser, page, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=1, fake=1)
    for one, label in ((rater, "fake"), (other_rater, "real")):
        for number, presentation in enumerate(presentations(study, one)):
            words = ("=left effusion", "nothing, clear")[number]
            Rating.record(
                presentation, uuid.uuid4(), label=label, remark=words, reasons=["Ribs"] * (label == "fake")
            )
    study.close(organiser())

    text = page(study, "analysis_remarks", q="effusion", label="fake")
    address = html.unescape(re.search(r'href="([^"]+)">CSV', text).group(1))
    rows = list(csv.DictReader(io.StringIO(browser.get(address).getvalue().decode())))

    assert [(row["Rater"], row["Label"], row["Reasons"], row["Remark"]) for row in rows] == [
        ("R01", "fake", "Ribs", "'=left effusion")
    ]
    assert "Truth" not in rows[0]
    everything = browser.get(reverse("rating:remarks_csv", args=[study.slug])).getvalue().decode()
    assert everything.count("\r\n") == 5


def test_galleries_are_of_one_label_where_it_is_chosen(page, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=2, fake=1)
    codes = rated(study, {"R01": ["real", "fake", "unsure"], "R02": ["real", "real", "real"]})

    text = page(study, "analysis_images", show="split", label="unsure")

    assert re.findall(r'alt="Image (\w+)"', text) == [codes[2]]
    assert "label=unsure" in text


def test_words_in_a_gallery_are_of_the_chosen_raters_only(page, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=1, fake=1)
    study.enrolments.filter(user=rater).update(years=3)
    study.enrolments.filter(user=other_rater).update(years=25)
    rated(study, {"R01": ["real", "fake"], "R02": ["fake", "real"]})

    text = page(study, "analysis_images", show="all", years="0-4")

    assert "R01 real" in text
    assert "R02 fake" not in text
