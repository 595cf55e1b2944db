"""What raters get at the end is what the study says, and never an empty address."""

import uuid

import pytest
from django.urls import reverse

from rating.models import Enrolment, Freeze, Rating, Sitting, Study
from rating.results.verification import verify_study
from rating.studies.second_questions import checked
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of
from tests.rating.cast import SEED, organiser, presentations, rate_all
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


def test_a_raters_own_answers_to_second_questions_stand_there_too(client_of, rater):
    questions = [
        {"code": "signs", "words": "Which signs?", "kind": "multiple", "choices": ["Mass", "Line"]},
        {"code": "why", "words": "Why?", "kind": "text"},
    ]
    study = reading_study(raters=[rater], debriefing="answers", second_questions=checked(questions))
    first, *rest = presentations(study, rater)
    Rating.record(
        first,
        uuid.uuid4(),
        label="real",
        second_answers={"signs": ["Mass", "Line"]},
        second_texts={"why": "A <dense> hilum"},
    )
    for presentation in rest:
        Rating.record(presentation, uuid.uuid4(), label="real")

    page = page_of(client_of(rater), study).content.decode()

    assert page.count("<bdi>Which signs?</bdi> <bdi>Mass; Line</bdi>") == 1
    assert page.count("<bdi>Why?</bdi> <bdi>A &lt;dense&gt; hilum</bdi>") == 1


def test_the_score_counts_right_answers_and_shows_each_image_with_its_truth(client_of, rater):
    study = reading_study(raters=[rater], real=2, fake=4, debriefing="score", practice=1)
    rate_by(study, rater, lambda origin: "real" if origin == "real" else "unsure")
    browser = client_of(rater)
    token = presentations(study, rater)[-1].token
    image = reverse("rating:debriefing_image", args=[study.slug, token, 0])
    assert browser.get(image).status_code == 404
    close(study)
    assert "It was" not in page_of(browser, study).content.decode()
    assert browser.get(image).status_code == 404
    study.refresh_from_db()
    study.unblind(organiser(), "All raters have finished.")

    page = page_of(browser, study).content.decode()

    assert "2 of 6 right." in page
    assert "Unsure: 4." in page
    assert (page.count("It was: Real"), page.count("It was: Fake")) == (2, 4)
    assert browser.get(image)["Content-Type"] == "image/png"
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
    image = reverse("rating:debriefing_image", args=[study.slug, token, 0])
    assert client_of(other_rater).get(image).status_code == 404


def frozen_copy(study, *raters, name="Again") -> Study:
    """Another study of the very same images."""
    copy = copy_of(study, by=organiser(), name=name, seed=SEED)
    for rater in raters:
        Enrolment.enrol(copy, rater).consent()
    Freeze.objects.create(study=copy).perform()
    copy.refresh_from_db()
    return copy


def teaching_study(*raters) -> Study:
    study = reading_study(raters=raters, debriefing="score")
    for rater in raters:
        rate_all(study, rater, "fake")
    return study


def test_whoever_has_read_the_truth_of_images_does_not_read_them_again(client_of, rater, other_rater):
    study = teaching_study(rater, other_rater)
    close(study, unblinded=True)
    page_of(client_of(rater), study)  # and the other rater does not look

    again = frozen_copy(study, rater, other_rater)

    assert again.reasons_not_to_open() == [
        "R01 has read in “Reading” what images of this study are: withdraw and replace this rater."
    ]
    again.enrolments.get(user=rater).withdraw(organiser(), "Knows them.")
    assert again.reasons_not_to_open() == []


def test_whoever_has_read_the_truth_of_images_is_not_enrolled_where_they_are_shown(
    client_of, rater, other_rater
):
    study = teaching_study(rater)
    close(study, unblinded=True)
    page_of(client_of(rater), study)
    again = frozen_copy(study, other_rater)

    with pytest.raises(NotPossibleError, match="has read in “Reading” what images of this study are"):
        Enrolment.enrol(again, rater)


def test_whoever_reads_the_truth_of_images_while_another_study_shows_them_is_left_out_there(
    client_of, rater, other_rater
):
    study = teaching_study(rater, other_rater)
    again = frozen_copy(study, rater, other_rater)
    again.open(organiser())
    close(study, unblinded=True)
    page_of(client_of(rater), study)
    for each in (rater, other_rater):
        rate_all(again, each, "real")

    close(again, unblinded=True)

    counted = Sitting.objects.counted().filter(enrolment__study=again)
    assert [sitting.enrolment.user for sitting in counted] == [other_rater]
    assert again.events.get(action="marked unblinded").reason == (
        "This rater has read in “Reading” what images of this study are."
    )
    assert verify_study(again).discrepancies == ()


def test_who_was_taught_elsewhere_costs_the_same_for_more_raters_and_studies(
    client_of, rater, other_rater, django_assert_num_queries
):
    first = teaching_study(rater)
    close(first, unblinded=True)
    page_of(client_of(rater), first)
    again = frozen_copy(first)
    with django_assert_num_queries(2):
        assert again.enrolments.taught_elsewhere(again, [rater.pk]) == {rater.pk: "“Reading”"}

    second = frozen_copy(first, other_rater, name="Second")
    second.open(organiser())
    rate_all(second, other_rater, "fake")
    close(second, unblinded=True)
    page_of(client_of(other_rater), second)

    with django_assert_num_queries(2):
        taught = again.enrolments.taught_elsewhere(again, [rater.pk, other_rater.pk])
    assert taught == {rater.pk: "“Reading”", other_rater.pk: "“Second”"}


def test_who_could_not_come_back_for_their_answers_is_told_at_the_end(client_of, rater, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    rater.set_unusable_password()
    rater.save()
    study = reading_study(raters=[rater], debriefing="score")
    rate_by(study, rater, lambda _origin: "real")

    page = client_of(rater).get(reverse("rating:read", args=[study.slug])).content.decode()

    assert "your own score and each image with its truth stand here" in page
    assert "Your link worked once." in page
