"""Studies and datasets belong to somebody; who has no part in them does not find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from pool.models import Dataset
from rating.models import Study
from tests.accounts.proof import PASSWORD, prove, with_password
from tests.factories import make_image
from tests.rating.cast import draft_study, open_study, over_study

Signed = Callable[[User], Client]


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner@example.org", role=Role.RESEARCHER)


def owned(study: Study, owner: User) -> Study:
    study.memberships.all().delete()
    study.share_with(owner, Part.OWNER)
    return study


def test_a_second_researcher_neither_closes_nor_unblinds_somebody_elses_study(
    owner: User, researcher: User, rater: User, client_of: Signed
) -> None:
    study = owned(open_study(raters=[rater]), owner)
    stranger = client_of(researcher)

    answers = [
        stranger.post(f"{study.get_absolute_url()}{act}/", {"confirm": study.name, "reason": "x"}).status_code
        for act in ("close", "unblind", "raters/1/withdraw")
    ]

    study.refresh_from_db()
    assert answers == [404, 404, 404]
    assert study.is_open


def test_closing_wants_the_name_typed_and_names_who_is_unfinished(
    owner: User, rater: User, client_of: Signed
) -> None:
    study = owned(open_study(raters=[rater]), owner)
    browser, address = client_of(owner), f"{study.get_absolute_url()}close/"

    page = browser.get(address)
    one_click = browser.post(address)
    study.refresh_from_db()
    still_open = study.is_open
    browser.post(address, {"confirm": study.name})
    study.refresh_from_db()

    assert "R01 (0 of 6)" in page.content.decode()
    assert one_click.status_code == 422
    assert still_open
    assert study.is_over


@pytest.fixture
def of_two_people(owner: User, researcher: User, rater: User) -> Study:
    """A closed study that its owner and this researcher unblind together."""
    study = owned(over_study(raters=[rater], four_eyes=True), owner)
    study.share_with(researcher, Part.EDITOR)
    return study


def test_with_four_eyes_the_same_person_cannot_unblind_alone(
    owner: User, researcher: User, of_two_people: Study, client_of: Signed
) -> None:
    study = of_two_people
    address = f"{study.get_absolute_url()}unblind/"

    first, second = client_of(with_password(owner)), client_of(with_password(researcher))
    prove(first)
    prove(second)

    for _ in range(2):
        first.post(address, {"reason": "All have read."})
    study.refresh_from_db()
    after_one = study.is_unblinded
    second.post(address, {"reason": "I agree."})
    study.refresh_from_db()

    assert not after_one
    assert study.is_unblinded


def test_with_four_eyes_the_second_person_refuses_or_the_first_withdraws_and_both_read_who_waits(
    owner: User, researcher: User, of_two_people: Study, client_of: Signed
) -> None:
    study = of_two_people
    address = f"{study.get_absolute_url()}unblind/"
    first, second = client_of(with_password(owner)), client_of(with_password(researcher))
    prove(first)
    prove(second)

    first_form = first.get(address).content.decode()
    first.post(address, {"reason": "All have read."})
    homes = [browser.get("/").content.decode() for browser in (first, second)]
    pages = [browser.get(study.get_absolute_url()).content.decode() for browser in (first, second)]
    forms = [browser.get(address).content.decode() for browser in (first, second)]
    second.post(address, {"reason": "Too early.", "refuse": "1"})
    first.post(address, {"reason": "Now all have."})
    first.post(address, {"reason": "One is missing.", "refuse": "1"})
    second.post(address, {"reason": "I agree."})

    study.refresh_from_db()
    actions = [event.action for event in study.events.order_by("pk") if "unblind" in event.action]
    assert "Ask to unblind" in first_form
    assert ["waits for a second person" in home for home in homes] == [False, True]
    assert "You have asked to unblind" in pages[0]
    assert f"{owner} has asked to unblind" in pages[1]
    assert ["Withdraw the wish" in form for form in forms] == [True, False]
    assert [">Refuse<" in form for form in forms] == [False, True]
    assert actions == [
        *("asked to unblind", "refused to unblind", "asked to unblind", "withdrew the wish to unblind"),
        "asked to unblind",
    ]
    assert not study.is_unblinded


def test_with_four_eyes_whoever_meant_to_ask_does_not_confirm_what_another_has_asked_meanwhile(
    owner: User, researcher: User, of_two_people: Study, client_of: Signed
) -> None:
    study = of_two_people
    address = f"{study.get_absolute_url()}unblind/"
    browser = client_of(with_password(researcher))
    prove(browser)

    button = browser.get(address).content.decode()
    study.unblind(owner, "All have read.")
    answer = browser.post(address, {"reason": "All have read.", "ask": "1"}, follow=True)

    study.refresh_from_db()
    assert 'name="ask"' in button
    assert f"{owner} has asked meanwhile: nothing was done." in answer.content.decode()
    assert not study.is_unblinded


def test_an_admin_sees_a_study_only_after_joining_it_with_a_reason_that_its_owners_are_told(
    owner: User, admin: User, rater: User, client_of: Signed, django_capture_on_commit_callbacks: Any
) -> None:
    study = owned(open_study(raters=[rater]), owner)
    browser = client_of(with_password(admin))
    prove(browser)

    before = browser.get(study.get_absolute_url()).status_code
    without_reason = browser.post(f"{study.get_absolute_url()}members/join/").status_code
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"{study.get_absolute_url()}members/join/", {"reason": "The owner has left."})

    assert (before, without_reason) == (404, 422)
    assert browser.get(study.get_absolute_url()).status_code == 200
    assert [message.to for message in mail.outbox] == [[owner.email]]
    assert "The owner has left." in mail.outbox[0].body


def test_what_a_group_owns_its_people_own(owner: User, researcher: User) -> None:
    group = Group.objects.create(name="Chest")
    researcher.groups.add(group)
    dataset = Dataset.objects.create(name="CT", origin="real", modality="ct")

    dataset.share_with(group, Part.OWNER)

    assert list(Dataset.objects.owned_by(researcher)) == [dataset]
    assert not Dataset.objects.visible_to(owner).exists()


def test_the_last_owner_cannot_be_taken_away(owner: User, client_of: Signed) -> None:
    dataset = Dataset.objects.create(name="CT", origin="real", modality="ct", created_by=owner)
    dataset.give_to_maker(owner)
    address = f"/pool/datasets/{dataset.pk}/members"

    answer = client_of(owner).post(address, {"member": owner.email, "part": ""})

    assert "name another owner first" in answer.content.decode()
    assert dataset.is_owned_by(owner)


def test_a_rater_gets_no_part_in_what_tells_the_truth(owner: User, rater: User, client_of: Signed) -> None:
    dataset = Dataset.objects.create(name="CT", origin="real", modality="ct", created_by=owner)
    dataset.give_to_maker(owner)

    answer = client_of(owner).post(
        f"/pool/datasets/{dataset.pk}/members", {"member": rater.email, "part": "viewer"}
    )

    assert answer.status_code == 422
    assert not Dataset.objects.visible_to(rater).exists()


@pytest.mark.parametrize("kind", ["study", "dataset"])
def test_naming_members_asks_who_one_is_and_then_goes_on_with_what_was_typed(
    kind: str, owner: User, researcher: User, client_of: Signed
) -> None:
    subject: Study | Dataset = (
        draft_study() if kind == "study" else Dataset.objects.create(name="CT", origin="real", modality="ct")
    )
    subject.memberships.all().delete()
    subject.share_with(owner, Part.OWNER)
    name = (
        ("rating:members", [subject.slug])
        if isinstance(subject, Study)
        else ("pool:dataset_members", [subject.pk])
    )
    browser, address = client_of(with_password(owner)), reverse(name[0], args=name[1])

    answer = browser.post(address, {"member": researcher.email, "part": "editor"})
    before = subject.parts_of(researcher)
    browser.post(answer["Location"], {"password": PASSWORD, "next": address})

    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert before == set()
    assert subject.parts_of(researcher) == {Part.EDITOR}


def test_the_lists_of_a_researcher_cost_the_same_with_more_memberships(
    researcher: User, client_of: Signed, django_assert_max_num_queries: Any
) -> None:
    browser = client_of(researcher)
    browser.get("/pool/datasets/")
    counts = []
    for size in (2, 12):
        for number in range(size):
            dataset = Dataset.objects.create(name=f"{size} {number}", origin="real", modality="ct")
            dataset.share_with(researcher)
        with django_assert_max_num_queries(30) as queries:
            browser.get("/pool/datasets/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_an_admin_joins_a_dataset_with_a_reason_that_its_owners_are_told(
    owner: User, admin: User, client_of: Signed, django_capture_on_commit_callbacks: Any
) -> None:
    dataset = Dataset.objects.create(name="CT", origin="real", modality="ct", created_by=owner)
    dataset.give_to_maker(owner)
    browser = client_of(with_password(admin))
    listing = reverse("pool:datasets")
    page = reverse("pool:join_dataset", args=[dataset.pk])

    assert page in browser.get(listing).text
    assert "/accounts/reauthenticate/" in browser.get(page)["Location"]
    prove(browser)
    without_reason = browser.post(page).status_code
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(page, {"reason": "The owner has left."})

    assert without_reason == 422
    assert dataset.is_owned_by(admin)
    assert page not in browser.get(listing).text
    assert [message.to for message in mail.outbox] == [[owner.email]]
    assert Event.objects.about(dataset).get(action="made themselves an owner").reason == "The owner has left."


def test_a_researcher_is_told_nothing_of_what_is_not_theirs(
    owner: User, researcher: User, client_of: Signed
) -> None:
    dataset = Dataset.objects.create(name="Secret CT", origin="real", modality="ct", created_by=owner)
    dataset.give_to_maker(owner)
    browser = client_of(researcher)

    assert "Secret CT" not in browser.get(reverse("pool:datasets")).text
    assert browser.get(reverse("pool:join_dataset", args=[dataset.pk])).status_code == 403


def test_an_image_that_is_not_theirs_is_no_start_of_an_edit(
    owner: User, researcher: User, client_of: Signed
) -> None:
    image = make_image()
    image.dataset.memberships.all().delete()
    image.dataset.give_to_maker(owner)
    browser = client_of(researcher)
    page = reverse("generation:create_with", args=["openai"])
    words = {"api_model": "gpt-image-1", "prompt": "x", "modality": "xray", "total": 1, "new_dataset": "New"}

    refused = browser.post(page, {**words, "edit_of": str(image.pk)})
    unknown = browser.post(page, {**words, "edit_of": str(uuid4())})

    assert refused.status_code == 422
    assert "There is no image of this number." in refused.text
    assert "There is no image of this number." in unknown.text
