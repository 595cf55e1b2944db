"""People whom a recruitment site sends: in by a code, once each, and back there when they have finished."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rating.models import Enrolment, Recruit, Recruitment, Study
from rating.studies.outreach.recruitment import RecruitmentForm
from tests.rating.cast import open_study, rate_all

pytestmark = pytest.mark.django_db
CODES = "?PROLIFIC_PID=5f1ab&STUDY_ID=s-1&SESSION_ID=x_2"


def recruiting(rater: User, **how: Any) -> tuple[Study, str]:
    """An open study, and the address of its door."""
    study = open_study(raters=[rater], **how)
    recruitment = Recruitment.objects.create(
        study=study,
        is_open=True,
        places=2,
        completion_url="https://app.prolific.example/submissions/complete?cc=C0DE",
        completion_code="C0DE",
    )
    return study, reverse("rating:take_part", args=[recruitment.token])


def test_somebody_sent_here_reads_under_a_pseudonym_and_goes_back_when_done(client, rater):
    study, door = recruiting(rater)

    door_page = client.get(door + CODES)
    nobody_yet = Enrolment.objects.filter(recruit__isnull=False).exists()
    arrived = client.post(door + CODES, follow=True)
    enrolment = Recruit.objects.get(participant="5f1ab").enrolment
    client.post(reverse("rating:begin", args=[study.slug]), {"consent": "on"})
    too_early = client.get(reverse("rating:read", args=[study.slug])).content.decode()
    rate_all(study, enrolment.user, "fake")
    done = client.get(reverse("rating:read", args=[study.slug])).content.decode()

    assert (door_page.status_code, nobody_yet) == (200, False)
    assert arrived.request["PATH_INFO"] == reverse("rating:begin", args=[study.slug])
    assert (enrolment.pseudonym, enrolment.recruit.outer_session) == ("R02", "x_2")
    assert "app.prolific.example" not in too_early
    assert 'href="https://app.prolific.example/submissions/complete?cc=C0DE" rel="noreferrer"' in done
    assert not mail.outbox  # there is no mailbox to write to


@pytest.mark.parametrize("backend", ["dummy", "locmem"])
def test_somebody_without_a_mailbox_is_told_of_a_passkey_and_offered_nothing_that_needs_an_address(
    client, rater, settings, backend
):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    _study, door = recruiting(rater)
    client.post(door + CODES)
    add_passkey = reverse("mfa_add_webauthn")

    studies = client.get(reverse("rating:reading_list")).content.decode()
    account = client.get(reverse("account")).content.decode()
    proof = client.get(reverse("nothing_to_prove_with")).content.decode()
    passkey = client.get(add_passkey)

    assert "add a passkey first" in studies
    assert f'href="{add_passkey}"' in studies
    assert "no mail of this site reaches you" in proof
    for page in (studies, account, proof):
        assert reverse("account_set_password") not in page
        assert "recruited.invalid" not in page
    assert passkey.status_code == 200  # no code into a mailbox first
    assert passkey.context["form"]["passwordless"].value() is True


def test_whoever_an_admin_has_named_is_called_by_that_name(client, rater):
    _study, door = recruiting(rater)
    client.post(door + CODES)
    person = User.objects.latest("pk")
    assert str(person) == f"Rater {person.email[:6]}"

    person.first_name, person.last_name = "Noa", "New"

    assert str(person) == "Noa New"


def test_nothing_is_mailed_where_there_is_no_mailbox(client, rater):
    _study, door = recruiting(rater)
    client.post(door + CODES)
    address = {"email": User.objects.latest("pk").email}

    for name in ("account_request_login_code", "account_reset_password"):
        assert Client().post(reverse(name), address).status_code == 302

    assert not mail.outbox


@pytest.mark.parametrize("can_sign_in_alone", [True, False])
def test_a_key_that_is_a_second_factor_only_is_no_way_back(client, rater, can_sign_in_alone):
    _study, door = recruiting(rater)
    client.post(door + CODES)
    facts = {"clientExtensionResults": {"credProps": {"rk": can_sign_in_alone}}}
    Authenticator.objects.create(
        user=User.objects.latest("pk"), type=Authenticator.Type.WEBAUTHN, data={"credential": facts}
    )

    page = client.get(reverse("rating:reading_list")).content.decode()

    assert ("add a passkey first" in page) is not can_sign_in_alone


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?STUDY_ID=1",
        "?PROLIFIC_PID=",
        "?PROLIFIC_PID=a%20b",
        "?PROLIFIC_PID=<b>",
        f"?PROLIFIC_PID={'a' * 65}",
        "?PROLIFIC_PID=a&SESSION_ID=%00",
    ],
)
def test_what_is_no_code_lets_nobody_in(client, rater, query):
    _study, door = recruiting(rater)

    answers = [client.get(door + query).status_code, client.post(door + query).status_code]

    assert answers == [400, 400]
    assert not Recruit.objects.exists()


def test_a_code_comes_in_once_and_no_more_people_than_there_are_places(rater):
    study, door = recruiting(rater)
    first, second, third = Client(), Client(), Client()

    first.post(door + "?PROLIFIC_PID=a")
    again = second.post(door + "?PROLIFIC_PID=a")
    back = first.get(door + "?PROLIFIC_PID=a")
    second.post(door + "?PROLIFIC_PID=b")
    full = third.post(door + "?PROLIFIC_PID=c")

    assert (again.status_code, full.status_code) == (409, 409)
    assert (back.status_code, back["Location"]) == (302, reverse("rating:read", args=[study.slug]))
    assert study.enrolments.count() == 3


def test_the_door_is_shut_unless_the_study_is_open_and_says_so(client, rater):
    study, door = recruiting(rater)
    Recruitment.objects.update(is_open=False)
    by_switch = client.post(door + CODES).status_code
    Recruitment.objects.update(is_open=True)
    study.close(None)

    assert (by_switch, client.post(door + CODES).status_code) == (409, 409)


def test_a_rater_who_is_signed_in_keeps_their_place_and_nobody_who_knows_the_truth_comes_in(
    client_of, rater, researcher
):
    study, door = recruiting(rater)

    client_of(rater).post(door + CODES)
    refused = client_of(researcher).post(door + CODES.replace("5f1ab", "other"))

    assert Recruit.objects.get().enrolment == study.enrolments.get(user=rater)
    assert (refused.status_code, study.enrolments.count()) == (409, 1)


def test_the_way_back_is_https_and_parameters_have_names_of_their_own(rater):
    study = open_study(raters=[rater])
    names = {"participant_name": "P", "outer_study_name": "S", "outer_session_name": "T"}
    good = {**names, "places": "5"}

    def errors(**changes: str) -> set[str]:
        return set(RecruitmentForm({**good, **changes}, instance=Recruitment(study=study)).errors)

    assert errors() == set()
    assert errors(completion_url="http://a.example/") == {"completion_url"}
    assert errors(completion_url="javascript:alert(1)") == {"completion_url"}
    assert errors(outer_study_name="P") == {"outer_session_name"}
    assert errors(participant_name="a b") == {"participant_name"}
    with pytest.raises(ValidationError):
        Recruitment(study=study, completion_code="<script>").full_clean()


def test_codes_of_the_recruitment_site_stay_with_the_key_where_only_pseudonyms_are_seen(
    client_of, rater, researcher, admin
):
    study, door = recruiting(rater, pseudonyms_only=True)
    Client().post(door + CODES)

    raters_page = client_of(researcher).get(reverse("rating:raters", args=[study.slug])).content.decode()
    settings_page = client_of(researcher).get(reverse("rating:recruitment", args=[study.slug]))
    key = client_of(admin).get(reverse("rating:key", args=[study.slug])).content.decode()

    assert ("5f1ab" in raters_page, "5f1ab" in key) == (False, True)
    assert settings_page.status_code == 404


def test_organisers_open_the_door_and_copy_its_address_as_the_recruitment_site_reads_it(
    client_of, researcher, rater
):
    study = open_study(raters=[rater])
    page = reverse("rating:recruitment", args=[study.slug])
    fields = RecruitmentForm(instance=Recruitment(study=study)).initial

    client_of(researcher).post(page, {**fields, "is_open": "on", "completion_code": "C0DE"})
    html = client_of(researcher).get(page).content.decode()

    token = Recruitment.objects.get(is_open=True).token
    assert f"http://testserver/take-part/{token}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&amp;STUDY_ID=" in html
    assert study.events.get(action="set recruitment by link").detail == {"is_open": True, "places": 20}


def test_a_link_that_went_round_lets_in_only_so_many_from_one_place(rater, settings):
    settings.ACCOUNT_RATE_LIMITS = {"take_part": "3/10m/ip"}
    study, door = recruiting(rater)
    Recruitment.objects.filter(study=study).update(places=10)

    statuses = [Client().post(f"{door}?PROLIFIC_PID=p{number}").status_code for number in range(5)]

    assert statuses == [302, 302, 302, 429, 429]
    assert Recruit.objects.count() == 3
