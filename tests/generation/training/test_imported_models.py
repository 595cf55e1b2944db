"""An imported model belongs to whoever imported it: who sees it, trains from it, takes it away, removes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.erasure import erase_account
from accounts.membership.models import Part
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from generation.models import Checkpoint
from generation.training.bundled_checkpoints import register_shipped
from generation.training.exchange.pipeline_import import import_model
from generation.training.forms import TrainingForm
from generation.training.model_card import markdown
from pool.choices import for_person
from tests.accounts.proof import prove, with_password
from tests.generation.diffusion.test_plain_pipelines import saved

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger() -> User:
    return User.objects.create_user("x@example.org", role=Role.RESEARCHER)


@pytest.fixture
def imported(
    monkeypatch: pytest.MonkeyPatch, researcher: User, client_of: Callable[[User], Client]
) -> Checkpoint:
    """Taken in on the page by the researcher; what a zip holds, other tests say."""
    description: Any = {"format": "lungrater-diffusion-1", "step": 1, "config": {}}

    def stored(_source: Any, name: str, **_limits: int) -> Checkpoint:
        return Checkpoint.store(name, description, b"weights")

    monkeypatch.setattr("generation.training.exchange.forms.import_model", stored)
    monkeypatch.setattr("generation.training.exchange.pipeline_import.import_model", stored)
    upload = SimpleUploadedFile("model.zip", b"zip")
    client_of(researcher).post("/generation/training/import/", {"name": "theirs", "file": upload})
    return Checkpoint.objects.get(name="theirs")


def offered_to(person: User) -> list[str]:
    """To start a training from."""
    choices: Any = for_person(TrainingForm(), person).fields["parent"]
    return [row.name for row in choices.queryset]


def test_who_imported_a_model_owns_it_and_nobody_else_meets_it(
    imported: Checkpoint, researcher: User, stranger: User, client_of: Callable[[User], Client]
) -> None:
    owner, other = client_of(researcher), client_of(stranger)
    pages = [f"/generation/checkpoints/{imported.pk}/{page}" for page in ("", "card.md", "pipeline.zip")]

    assert imported.owners() == [researcher]
    assert "it belongs to" in owner.get(pages[0]).content.decode()
    assert "theirs" in owner.get("/generation/training/").content.decode()
    assert offered_to(researcher) == ["theirs"]
    assert [other.get(page).status_code for page in pages] == [404] * 3
    assert "theirs" not in other.get("/generation/training/").content.decode()
    assert offered_to(stranger) == []


def test_when_its_owner_is_erased_it_opens_to_nobody(
    imported: Checkpoint, researcher: User, stranger: User
) -> None:
    erase_account(researcher)

    assert not imported.memberships.exists()
    assert not Checkpoint.objects.visible_to(stranger).exists()


def test_an_admin_joins_one_whose_owner_is_erased_and_removes_it(
    imported: Checkpoint, researcher: User, stranger: User, admin: User, client_of: Callable[[User], Client]
) -> None:
    erase_account(researcher)
    browser = client_of(with_password(admin))
    listing = reverse("generation:training_list")
    page = reverse("generation:join_model", args=[imported.pk])

    offered = page in browser.get(listing).content.decode()
    asked_to_prove = browser.get(page)["Location"]
    prove(browser)
    joined = browser.post(page, {"reason": "Its owner has left."})

    assert offered
    assert "/accounts/reauthenticate/" in asked_to_prove
    assert joined["Location"] == imported.get_absolute_url()
    assert imported.is_owned_by(admin)
    assert (
        Event.objects.about(imported).get(action="made themselves an owner").reason == "Its owner has left."
    )
    assert page not in browser.get(listing).content.decode()
    assert page not in client_of(stranger).get(listing).content.decode()
    browser.post(reverse("generation:remove_model", args=[imported.pk]), {"reason": "No longer needed."})
    assert not Checkpoint.objects.filter(pk=imported.pk).exists()


def test_a_viewer_uses_it_and_only_the_owner_removes_it_with_a_reason(
    imported: Checkpoint, researcher: User, stranger: User, client_of: Callable[[User], Client]
) -> None:
    owner, other = client_of(researcher), client_of(stranger)
    imported.share_with(stranger, Part.VIEWER, by=researcher)
    at = f"/generation/checkpoints/{imported.pk}/"

    assert offered_to(stranger) == ["theirs"]
    assert "Remove this model" not in other.get(at).content.decode()
    assert other.post(f"{at}remove", {"reason": "mine"}).status_code == 404
    assert other.post(f"{at}name", {"name": "mine"}).status_code == 404
    owner.post(f"{at}remove", {"reason": ""})
    assert Checkpoint.objects.filter(pk=imported.pk).exists()
    owner.post(f"{at}remove", {"reason": "outdated"})

    assert not Checkpoint.objects.filter(pk=imported.pk).exists()
    assert not imported.weights.storage.exists(str(imported.weights.name))
    event = Event.objects.filter(action="removed a model").get()
    assert (event.reason, event.detail["name"]) == ("outdated", "theirs")


def test_the_command_names_the_owner_and_without_one_every_researcher_may_use_it(
    imported: Checkpoint, stranger: User, tmp_path: Path
) -> None:
    call_command("models", "import", str(tmp_path), "--name=of-x", "--owner=x@example.org")
    call_command("models", "import", str(tmp_path), "--name=of-all")

    assert Checkpoint.objects.get(name="of-x").owners() == [stranger]
    assert set(offered_to(stranger)) == {"of-x", "of-all"}
    assert not Checkpoint.objects.owned_by(stranger).filter(name="of-all").exists()


def test_what_comes_with_lungrater_everybody_sees_and_nobody_owns(stranger: User) -> None:
    (shipped,) = register_shipped()

    assert list(Checkpoint.objects.visible_to(stranger)) == [shipped]
    assert not Checkpoint.objects.owned_by(stranger).exists()


def test_a_plain_pipeline_of_diffusers_in_a_folder_of_a_zip_becomes_a_model(tmp_path: Path) -> None:
    saved(tmp_path / "theirs", ddim=True)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "theirs"))

    row = import_model(packed, "theirs")

    assert row.is_readable
    assert row.samplers == ("ddim", "ddpm")
    assert "unknown" in markdown(row)
