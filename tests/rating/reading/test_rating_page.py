"""What a rater can do and see, over the wire."""

import uuid

import pytest
from django.urls import reverse

from rating.models import Rating
from tests.rating.cast import open_study, organiser, over_study, presentations

pytestmark = pytest.mark.django_db


def answer(label: str = "real", **fields: str) -> dict[str, str]:
    return {"label": label, "remark": "", "client_key": str(uuid.uuid4()), **fields}


def rate_url(study, presentation):
    return reverse("rating:rate", args=[study.slug, presentation.token])


def test_a_rater_rates_and_comes_to_the_next_image(client_of, rater):
    study = open_study(raters=[rater])
    first, second, *_ = presentations(study, rater)
    browser = client_of(rater)

    response = browser.post(rate_url(study, first), answer("fake", remark="unusual ribs"), follow=True)

    assert first.rating.label == "fake"
    assert first.rating.remark == "unusual ribs"
    assert second.token in response.content.decode()


def test_reading_goes_on_at_the_first_unrated_image_and_ends_with_thanks(client_of, rater):
    study = open_study(raters=[rater])
    browser = client_of(rater)
    url = reverse("rating:read", args=[study.slug])

    for presentation in presentations(study, rater):
        assert presentation.token in browser.get(url).content.decode()
        browser.post(rate_url(study, presentation), answer())

    assert "All images rated" in browser.get(url).content.decode()


def test_no_label_no_rating_and_the_remark_is_kept(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]

    response = client_of(rater).post(rate_url(study, first), answer("", remark="left effusion"))

    assert response.status_code == 422
    assert "left effusion" in response.content.decode()
    assert not Rating.objects.exists()


def test_the_same_save_sent_twice_counts_once(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    data = answer("fake")

    for _ in range(2):
        client_of(rater).post(rate_url(study, first), data)

    assert first.rating.revision == 1
    assert first.rating.revisions.count() == 1


def test_a_correction_is_a_new_revision_and_the_old_one_stays(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    browser = client_of(rater)

    before = answer("fake")
    browser.post(rate_url(study, first), before)
    browser.post(rate_url(study, first), answer("unsure", replaces=before["client_key"]))

    assert [r.label for r in first.rating.revisions.all()] == ["fake", "unsure"]
    assert Rating.objects.get(presentation=first).label == "unsure"


def test_ratings_are_refused_where_the_database_could_forget_them(client_of, rater, monkeypatch):
    monkeypatch.setattr("rating.views.sitting.why_not_durable", lambda: "fsync is off.")
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]

    response = client_of(rater).post(rate_url(study, first), answer())

    assert response.status_code == 503
    assert "fsync is off" in response.content.decode()
    assert not Rating.objects.exists()


def test_an_image_comes_with_constant_headers_and_nothing_else(client_of, rater):
    study = open_study(raters=[rater], real=4, fake=4)
    browser = client_of(rater)

    header_sets = set()
    for presentation in presentations(study, rater):
        response = browser.get(reverse("rating:presented", args=[presentation.token]))
        assert response.status_code == 200
        headers = {k: v for k, v in response.headers.items() if k != "Content-Length"}
        header_sets.add(tuple(sorted(headers.items())))
        browser.post(rate_url(study, presentation), answer())

    assert len(header_sets) == 1
    names = {name.lower() for name, _ in header_sets.pop()}
    assert not names & {"etag", "last-modified", "content-disposition"}


def test_an_image_not_reached_yet_is_not_there(client_of, rater):
    study = open_study(raters=[rater], real=5, fake=5)
    last = presentations(study, rater)[-1]

    assert client_of(rater).get(reverse("rating:presented", args=[last.token])).status_code == 404
    assert client_of(rater).post(rate_url(study, last), answer()).status_code == 404


def test_others_find_nothing_where_a_rater_finds_an_image(client, client_of, rater, other_rater, researcher):
    study = open_study(raters=[rater, other_rater])
    token = presentations(study, rater)[0].token
    nothing = client.get(reverse("rating:presented", args=["no-such-token"]))

    for browser in (client, client_of(other_rater), client_of(researcher)):
        response = browser.get(reverse("rating:presented", args=[token]))
        assert response.status_code == 404
        assert response.content == nothing.content


def test_a_stranger_finds_no_study(client_of, rater, stranger):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]

    assert client_of(stranger).get(reverse("rating:read", args=[study.slug])).status_code == 404
    assert client_of(stranger).post(rate_url(study, first), answer()).status_code == 404


def test_a_closed_study_takes_no_ratings_and_shows_no_images(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    study.close(organiser())

    assert client_of(rater).post(rate_url(study, first), answer()).status_code == 410
    assert client_of(rater).get(reverse("rating:presented", args=[first.token])).status_code == 404


def test_no_page_of_a_rater_tells_the_truth_about_an_image(client_of, rater):
    study = open_study("Reading", raters=[rater], real=3, fake=3)
    browser = client_of(rater)
    secrets = {"synthetic", "Reading real xray", "Reading synthetic xray"}
    for study_image in study.images.select_related("image"):
        secrets |= {study_image.image.pk.hex, str(study_image.image.pk), study_image.code}

    pages = [browser.get(reverse("rating:reading_list")).content.decode()]
    for presentation in presentations(study, rater):
        pages.append(browser.get(reverse("rating:read", args=[study.slug])).content.decode())
        browser.post(rate_url(study, presentation), answer())

    assert not [secret for secret in secrets for page in pages if secret in page]


def test_the_rater_of_a_finished_study_is_told_so(client_of, rater):
    over_study(raters=[rater])

    assert "closed" in client_of(rater).get(reverse("rating:reading_list")).content.decode()
