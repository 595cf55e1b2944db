"""Fakes that repeat a real image enter no study, unless a person lets them in by name and reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from pool.models import Dataset, Image, NearCopy, Origin
from rating.models import Freeze, Stratum, Study
from rating.studies.sampling.near_copies import let_near_copies_in
from rating.studies.study import NotPossibleError
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def fakes() -> Dataset:
    """Four images, one of which repeats a real one."""
    dataset = make_dataset("Fakes", origin=Origin.SYNTHETIC)
    images = [make_image(dataset) for _ in range(4)]
    hold_back(images[0])
    return dataset


def hold_back(image: Image) -> None:
    NearCopy.objects.create(image=image, of=make_image(), similarity=0.97, threshold=0.8)


def draft(fakes: Dataset, count: int) -> Study:
    study = Study.objects.create(name="Reading", canvas=64)
    Stratum.objects.create(study=study, dataset=fakes, count=count)
    return study


def frozen(study: Study) -> Study:
    freeze = Freeze.objects.create(study=study)
    freeze.perform()
    assert freeze.state == Freeze.State.SUCCEEDED, freeze.error
    study.refresh_from_db()
    return study


def test_a_near_copy_is_never_drawn(fakes: Dataset) -> None:
    study = frozen(draft(fakes, 3))

    assert not NearCopy.objects.filter(image__in=study.images.values("image")).exists()


def test_a_study_that_needs_them_says_how_many_are_held_back(fakes: Dataset) -> None:
    reasons = draft(fakes, 4).reasons_not_to_freeze()

    assert reasons == [
        "“Fakes” has 3 usable images, 4 are asked for. 1 more are held back as near-copies of real images."
    ]


def test_a_person_lets_them_in_by_name_and_reason_and_the_log_keeps_both(
    fakes: Dataset, researcher: User
) -> None:
    study = draft(fakes, 4)

    let_near_copies_in(study, researcher, "We study memorisation.")

    event = study.events.get()
    assert (event.actor, event.action, event.reason) == (
        researcher.uuid,
        "let near-copies in",
        "We study memorisation.",
    )
    assert frozen(study).images.count() == 4


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_nothing_is_let_in(fakes: Dataset, researcher: User, reason: str) -> None:
    study = draft(fakes, 4)

    with pytest.raises(NotPossibleError, match="a person and a reason"):
        let_near_copies_in(study, researcher, reason)

    assert not study.lets_near_copies_in


def test_nothing_is_let_in_under_a_running_freeze(fakes: Dataset, researcher: User) -> None:
    study = draft(fakes, 4)
    Freeze.objects.create(study=study).claim()

    with pytest.raises(NotPossibleError, match="being frozen"):
        let_near_copies_in(study, researcher, "We study memorisation.")

    assert not study.lets_near_copies_in


def test_a_copy_found_after_the_freeze_keeps_the_study_closed(fakes: Dataset, researcher: User) -> None:
    study = frozen(draft(fakes, 3))
    hold_back(study.images.first().image)

    assert any("repeat real images" in reason for reason in study.reasons_not_to_open())
    let_near_copies_in(study, researcher, "It is a fair likeness.")
    assert not any("repeat real images" in reason for reason in study.reasons_not_to_open())


def test_another_study_lets_nothing_in(fakes: Dataset, researcher: User) -> None:
    let_near_copies_in(draft(fakes, 4), researcher, "For this one.")
    other = Study.objects.create(name="Another")
    stratum = Stratum.objects.create(study=other, dataset=fakes, count=4)

    assert stratum.available() == 3


def test_the_organiser_does_it_on_the_page(
    fakes: Dataset, researcher: User, client_of: Callable[[User], Client]
) -> None:
    study, browser = draft(fakes, 4), client_of(researcher)
    study.give_to_maker(researcher)

    before = browser.get(study.get_absolute_url()).content.decode()
    browser.post(f"{study.get_absolute_url()}let-copies-in/", {"reason": "Wanted."})

    assert "Let them in all the same" in before
    assert study.lets_near_copies_in
    assert "They were let in" in browser.get(study.get_absolute_url()).content.decode()


def test_the_organiser_does_it_by_command(fakes: Dataset, researcher: User) -> None:
    study = draft(fakes, 4)

    with pytest.raises(CommandError, match="Nobody here has the address"):
        call_command("study", "let-copies-in", "Reading", "--reason", "Wanted.", "--by", "no@example.org")
    call_command("study", "let-copies-in", "Reading", "--reason", "Wanted.", "--by", researcher.email)

    assert study.lets_near_copies_in


def test_the_image_says_what_it_repeats(
    fakes: Dataset, researcher: User, client_of: Callable[[User], Client]
) -> None:
    copy = NearCopy.objects.get()

    page = client_of(researcher).get(copy.image.get_absolute_url()).content.decode()

    assert f'A near-copy of <a href="{copy.of.get_absolute_url()}">' in page
