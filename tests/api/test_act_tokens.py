"""Acts whose page asks for a proof of who acts want an act token of a program; docs/api.md names each of them."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from accounts.api.access import ACT_HEADER, ACT_NEEDED
from accounts.membership.models import Part
from tests.api.callers import act_header, caller, post
from tests.api.test_permissions import address, operations
from tests.factories import make_dataset
from tests.rating.cast import draft_study
from tests.test_permissions import world

__all__ = ["world"]
BY_SIGNATURE = {"freeze_study"}  # only of a study that asks for signatures
ALWAYS = {
    *("change_dataset_member", "change_study_member", "close_now", "unblind_now", "sign_now"),
    *("invite_people", "person_details", "person_role", "person_link", "person_active", "person_factor"),
    *("join_dataset", "join_study", "change_model_member", "join_model", "erase_person", "change_settings"),
}
MEMBERS = {"member": "all researchers", "part": "viewer"}


def with_the_header() -> dict[str, tuple[str, str]]:
    """Each operation whose document tells the header, its method and its path."""
    return {
        name: (method, path)
        for name, method, path, operation in operations()
        if ACT_HEADER in {each["name"] for each in operation.get("parameters", [])}
    }


def in_words(path: str) -> str:
    """A path as the docs write it."""
    places = {"/api/v1": "", "{pk}": "ID", "{slug}": "SLUG", "{uuid}": "UUID"}
    return functools.reduce(lambda text, place: text.replace(place, places[place]), places, path)


def test_the_document_tells_the_header_of_these_operations_alone():
    assert set(with_the_header()) == ALWAYS | BY_SIGNATURE


@pytest.mark.django_db
def test_each_of_them_is_refused_without_an_act_token(world, admin):
    for subject in (world["own"], world["over"], world["image"].dataset):
        subject.share_with(admin, Part.OWNER)
    program = caller(admin)

    kinds = {}
    for name, (method, path) in with_the_header().items():
        with transaction.atomic():
            send = getattr(program, method)
            answer = send(address(name, path, world), {}, content_type="application/json")
            transaction.set_rollback(True)
        kinds[name] = answer.json().get("type")

    assert {name for name, kind in kinds.items() if kind == ACT_NEEDED} == ALWAYS


def test_the_docs_name_each_of_them():
    text = (Path(django_settings.BASE_DIR) / "docs/api.md").read_text()
    (paragraph,) = (part for part in text.split("\n\n") if "also want the header `Act-Token`" in part)

    named = {f"`{method.upper()} {in_words(path)}`" for method, path in with_the_header().values()}

    assert sorted(each for each in named if each not in paragraph) == []
    assert paragraph.count("`POST /") + paragraph.count("`PATCH /") == len(named)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["datasets", "studies"])
def test_a_part_is_given_with_an_act_token_alone(kind, researcher):
    subject = make_dataset() if kind == "datasets" else draft_study()
    subject.share_with(researcher, Part.OWNER)
    name = subject.slug if kind == "studies" else subject.pk
    before = set(subject.memberships.values_list("user", "part"))
    program = caller(researcher)

    refused = post(program, f"/api/v1/{kind}/{name}/members", MEMBERS)
    after = set(subject.memberships.values_list("user", "part"))
    done = post(program, f"/api/v1/{kind}/{name}/members", MEMBERS, **act_header(researcher))

    assert (refused.status_code, refused.json()["type"], after) == (403, ACT_NEEDED, before)
    assert done.status_code == 200, done.json()
    assert (None, "viewer") in subject.memberships.values_list("user", "part")
