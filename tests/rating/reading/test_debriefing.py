"""What raters get at the end is what the study says, and never an empty address."""

import uuid

import pytest
from django.urls import reverse

from rating.models import Enrolment, Rating
from tests.rating.cast import organiser, presentations
from tests.rating.reading.rooms import reading_study

pytestmark = pytest.mark.django_db


def rate_by(study, rater, label_of):
    for presentation in presentations(study, rater):
        label = label_of(presentation.study_image.image.origin)
        Rating.record(presentation, uuid.uuid4(), label=label, remark="odd rib", confidence=4)


def page_of(browser, study, name="debriefing"):
    return browser.get(reverse(f"rating:{name}", args=[study.slug]), follow=True)


def close(study, *, unblinded=False):
    study.close(organiser())
    if unblinded:
        study.unblind(organiser(), "All raters have finished.")


@pytest.mark.parametrize("debriefing", ["nothing", "thanks", "answers", "score"])
@pytest.mark.parametrize("state", ["open", "closed", "unblinded"])
def test_the_address_of_the_images_never_ends_in_nothing_and_says_what_is_so(
    client_of, rater, debriefing, state
):
    study = reading_study(raters=[rater], debriefing=debriefing)
    rate_by(study, rater, lambda _: "fake")
    if state != "open":
        close(study, unblinded=state == "unblinded")

    response = page_of(client_of(rater), study, "read")

    page = response.content.decode()
    assert response.status_code == 200
    assert ("Thank you." in page) is (debriefing != "nothing")
    assert ("3 of 6 right." in page) is (debriefing == "score" and state == "unblinded")
    if debriefing in {"nothing", "thanks"}:
        assert "odd rib" not in page


def test_own_answers_are_there_once_all_are_given_and_hold_no_truth(client_of, rater):
    study = reading_study(raters=[rater], debriefing="answers")
    assert "You said" not in page_of(client_of(rater), study).content.decode()
    rate_by(study, rater, lambda _: "real")

    page = page_of(client_of(rater), study).content.decode()

    assert page.count("You said: Real (4)") == 6
    assert page.count("odd rib") == 6
    assert "It was" not in page


def test_the_score_counts_right_answers_and_shows_each_image_with_its_truth(client_of, rater):
    study = reading_study(raters=[rater], real=2, fake=4, debriefing="score", practice=1)
    rate_by(study, rater, lambda origin: "real" if origin == "real" else "unsure")
    browser = client_of(rater)
    token = presentations(study, rater)[-1].token
    picture = reverse("rating:debriefing_image", args=[study.slug, token, 0])
    assert browser.get(picture).status_code == 404
    close(study)
    assert "It was" not in page_of(browser, study).content.decode()
    assert browser.get(picture).status_code == 404
    study.refresh_from_db()
    study.unblind(organiser(), "All raters have finished.")

    page = page_of(browser, study).content.decode()

    assert "2 of 6 right." in page
    assert "Unsure: 4." in page
    assert (page.count("It was: Real"), page.count("It was: Fake")) == (2, 4)
    assert browser.get(picture)["Content-Type"] == "image/png"
    assert study.events.filter(action="looked at own score").exists()


def test_the_score_of_a_forced_choice_counts_the_places_looked_for(client_of, rater):
    study = reading_study(
        raters=[rater], design="pair", primary_endpoint="accuracy", debriefing="score", real=3, fake=3
    )
    for presentation in presentations(study, rater):
        members = presentation.study_image.members
        place = next(at for at in (1, 2) if presentation.image_at(at).image.origin == "real")
        assert len(members) == 2
        Rating.record(presentation, uuid.uuid4(), label=str(place))
    close(study, unblinded=True)

    assert "3 of 3 right." in page_of(client_of(rater), study).content.decode()


def test_a_score_is_for_its_own_rater_alone_and_not_for_whoever_has_withdrawn(client_of, rater, other_rater):
    study = reading_study(raters=[rater, other_rater], debriefing="score")
    rate_by(study, rater, lambda _: "fake")
    Enrolment.objects.get(user=other_rater).withdraw(organiser(), "Asked to leave.")
    close(study, unblinded=True)
    token = presentations(study, rater)[0].token

    theirs = page_of(client_of(other_rater), study, "read")

    assert theirs.status_code == 200
    assert "You no longer take part in this study." in theirs.content.decode()
    assert "right." not in theirs.content.decode()
    picture = reverse("rating:debriefing_image", args=[study.slug, token, 0])
    assert client_of(other_rater).get(picture).status_code == 404
