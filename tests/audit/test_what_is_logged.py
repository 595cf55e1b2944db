"""What the log keeps of people: signing in, roles, looks, refusals, removals, and who acted at a command line."""

from __future__ import annotations

import getpass
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import LoginLink
from audit.actors import acting, at_the_command_line
from audit.models import Event
from audit.verification import verify_chain
from lungrater.cli import Utility
from pool.dataset_removal import remove
from tests.audit.tampering import as_superuser
from tests.factories import make_dataset, make_image
from tests.rating.cast import open_study, organiser, over_study, presentations

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret of mine"
LIVES = timedelta(days=1)


def actions(**which) -> list[str]:
    return list(Event.objects.filter(**which).order_by("pk").values_list("action", flat=True))


def test_signing_in_and_out_and_a_failure_are_kept_and_no_password_is(rater):
    rater.set_password(PASSWORD)
    rater.save()
    EmailAddress.objects.create(user=rater, email=rater.email, verified=True, primary=True)
    browser = Client()

    browser.post(reverse("account_login"), {"login": rater.email, "password": "not the secret"})
    browser.post(reverse("account_login"), {"login": rater.email, "password": PASSWORD})
    browser.post(reverse("account_logout"))

    assert actions() == ["failed to sign in", "signed in", "signed out"]
    failure, entry, _ = Event.objects.order_by("pk")
    assert (failure.actor_kind, failure.actor, failure.identity) == ("stranger", None, rater.email)
    assert failure.subject_key == str(rater.uuid)
    assert (entry.actor, entry.detail) == (rater.uuid, {"by": ["password"]})
    assert "secret" not in str([vars(event) for event in Event.objects.all()])


def test_a_sign_in_link_is_kept_with_who_made_it(rater, researcher):
    Client().post(LoginLink.issue(rater, lives=LIVES, made_by=researcher))

    event = Event.objects.get(action="used a sign-in link")
    assert (event.actor, event.detail) == (rater.uuid, {"made_by": str(researcher.uuid)})


def test_a_role_given_at_the_command_line_is_kept_with_the_system_user(monkeypatch):
    monkeypatch.setattr("lungrater.cli.migrate_if_needed", lambda: None)

    call_command(Utility(["lungrater"]).fetch_command("person"), "new@example.org", role="researcher")

    event = Event.objects.get(action="changed a role")
    assert (event.actor_kind, event.detail) == (
        "command line",
        {"role": "researcher", "before": "rater"},
    )
    assert event.identity.startswith(f"system user {getpass.getuser()} on ")


def test_who_is_named_at_a_command_line_has_not_signed_in(rater):
    study = over_study(raters=[rater])

    with acting(at_the_command_line()):
        study.unblind(organiser(), "All raters have finished.")

    event = study.events.get(action="unblinded")
    assert (event.actor_kind, event.actor) == ("command line", organiser().uuid)
    assert event.identity.endswith(f", for {organiser().identity}")


def test_looks_at_origins_in_the_pool_are_kept_once_an_hour(client_of, researcher):
    image = make_image()
    browser = client_of(researcher)

    for _ in range(3):
        browser.get(reverse("pool:gallery"))
        browser.get(image.get_absolute_url())
    browser.get(reverse("pool:datasets"))

    looks = Event.objects.filter(action="looked at origins").order_by("pk")
    assert [(look.subject_kind, look.detail["page"]) for look in looks] == [
        ("site", "gallery"),
        ("image", "image"),
        ("site", "datasets"),
    ]


def test_a_removed_dataset_leaves_its_trace(researcher):
    dataset = make_dataset("Wrong folder")
    make_image(dataset)

    remove(dataset, by=researcher)

    event = Event.objects.get(action="removed a dataset")
    assert (event.actor, event.detail) == (
        researcher.uuid,
        {"name": "Wrong folder", "origin": "real", "images": 1},
    )


def test_an_image_left_out_and_taken_back_in_is_kept(researcher):
    image = make_image()
    image.exclude("A burned-in name.", by=researcher)
    image.include(by=researcher)

    assert actions(subject_kind="image") == ["left out an image", "took an image back in"]


@pytest.mark.django_db(transaction=True)
def test_a_refused_act_is_kept_though_its_request_was_rolled_back(client_of, rater):
    study = open_study(raters=[rater])

    answer = client_of(rater).post(reverse("rating:close", args=[study.slug]))

    assert answer.status_code == 403
    event = Event.objects.get(action="was refused")
    assert event.actor == rater.uuid
    assert event.detail == {
        "method": "POST",
        "page": "rating:close",
        "of": {"slug": study.slug},
        "why": "not allowed",
    }
    assert list(verify_chain("site")) == []


def test_an_act_that_the_state_forbids_is_kept_with_why(client_of, rater):
    study = over_study(raters=[rater])

    client_of(organiser()).post(reverse("rating:open", args=[study.slug]))

    assert "closed already" in study.events.get(action="was refused").reason


def test_no_token_enters_the_log(client_of, rater, researcher):
    study = open_study(raters=[rater])
    token = presentations(study, rater)[0].token

    client_of(researcher).post(reverse("rating:rate", args=[study.slug, token]))

    assert token not in str([vars(event) for event in Event.objects.all()])


def test_a_rater_stands_in_the_studys_log_by_pseudonym_only(client_of, rater):
    study = open_study(raters=[rater])

    words = str([(e.who, e.actor, e.detail, e.reason) for e in study.events.all()])

    assert "consented" in actions(chain=study.trail)
    assert rater.email not in words
    assert str(rater.uuid) not in words


def test_a_page_on_changed_ratings_says_so_and_counts_nothing(client_of, rater):
    study = over_study(raters=[rater])
    as_superuser("UPDATE rating_rating SET label = 'unsure' WHERE id = (SELECT min(id) FROM rating_rating)")

    answer = client_of(organiser()).get(reverse("rating:analysis", args=[study.slug]))

    assert answer.status_code == 409
    assert "is not what its rater last saved" in answer.content.decode()
