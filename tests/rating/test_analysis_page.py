"""Counts, agreement and lists a researcher sees once a study is over."""

import pytest
from django.urls import reverse

from rating.models import AuditEvent
from tests.rating.cast import open_study, organiser, over_study, rate_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def analysis_of(client_of, researcher):
    browser = client_of(researcher)
    return lambda study: browser.get(reverse("rating:analysis", args=[study.slug]))


def test_nothing_is_shown_while_raters_may_still_rate(analysis_of, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake")

    response = analysis_of(study)

    assert "Nothing is shown while raters may still rate" in response.content.decode()
    assert "report" not in response.context


def test_a_closed_study_shows_counts_by_modality_but_no_truth(analysis_of, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=2)

    response = analysis_of(study)

    assert response.context["by_truth"] == []
    assert [(row["rater"], row["counts"]) for row in response.context["by_modality"]] == [
        ("R01", {"real": 6, "fake": 0, "unsure": 0}),
        ("R02", {"real": 0, "fake": 6, "unsure": 0}),
    ]
    assert "truly" not in response.content.decode()
    assert not AuditEvent.objects.filter(action="looked at the truth").exists()


def test_an_unblinded_study_shows_counts_by_truth_and_logs_the_look(analysis_of, rater, researcher):
    study = over_study(raters=[rater], unblinded=True, real=4, fake=2)

    response = analysis_of(study)

    assert [(row["group"], row["counts"]["real"]) for row in response.context["by_truth"]] == [
        ("X-ray, truly fake", 2),
        ("X-ray, truly real", 4),
    ]
    assert AuditEvent.objects.get(action="looked at the truth").user == researcher


def test_called_real_by_all_and_called_fake_by_two(analysis_of, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=2, fake=2)
    codes = [study_image.code for study_image in study.images.order_by("code")]
    rate_all(study, rater, dict(zip(codes, ["real", "fake", "real", "unsure"], strict=True)))
    rate_all(study, other_rater, dict(zip(codes, ["real", "fake", "fake", "unsure"], strict=True)))
    study.close(organiser())

    context = analysis_of(study).context

    assert [image.image for image in context["real_by_all"]] == [codes[0]]
    assert [image.image for image in context["fake_by_two"]] == [codes[1]]


def test_a_study_closed_without_ratings_says_so(analysis_of, rater):
    study = open_study(raters=[rater])
    study.close(organiser())

    assert "nothing to analyse" in analysis_of(study).content.decode()


def test_remarks_are_shown_escaped(analysis_of, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake", remark="<script>alert(1)</script>")
    study.close(organiser())

    page = analysis_of(study).content.decode()

    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_study_pictures_are_for_studies_that_are_over(client_of, researcher, rater):
    study = open_study(raters=[rater])
    url = reverse("rating:study_picture", args=[study.slug, study.images.first().code])
    browser = client_of(researcher)

    assert browser.get(url).status_code == 404
    study.close(organiser())
    assert browser.get(url).status_code == 200


def test_the_analysis_asks_the_database_the_same_number_of_times_however_many_ratings(
    django_assert_max_num_queries, client_of, researcher, rater, other_rater
):
    study = over_study(raters=[rater, other_rater], unblinded=True, real=6, fake=6)
    browser = client_of(researcher)

    with django_assert_max_num_queries(9):
        browser.get(reverse("rating:analysis", args=[study.slug]))
