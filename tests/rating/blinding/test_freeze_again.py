"""What the audit flags can be left out, and both arms made alike, in one step that keeps raters and protocol."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client

from accounts.membership.models import Part
from accounts.models import User
from pool.canonical.pixels import Pixels, decode_png
from pool.models import Origin
from rating.blinding.derivative import PROBABILITIES, with_levels
from rating.blinding.freeze_again import freeze_again
from rating.models import AuthorStatement, Enrolment, Study
from rating.studies.study import NotPossibleError
from tests.api.callers import caller, post
from tests.rating.blinding.pools import arms, audited, filled, study_of

pytestmark = pytest.mark.django_db


def levels_of(study: Study) -> dict[str, list[Pixels]]:
    """The images that raters would see, by origin."""
    images: dict[str, list[Pixels]] = {origin: [] for origin in Origin.values}
    for row in study.images.select_related("image"):
        with row.derivative.open("rb") as file:
            images[row.image.origin].append(decode_png(file.read()))
    return images


def study_with_a_copy(rater: User | None = None, *, spare: int = 0) -> Study:
    """Twelve of each arm; one fake repeats a real image."""
    real, fake = arms(each=12 + spare)
    fake[3] = np.clip(real[5].astype(int) + 1, 0, 255).astype(np.uint8)
    study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake), repeats=2)
    if rater:
        Enrolment.enrol(study, rater)
    audited(study)
    study.refresh_from_db()
    return study


def test_what_is_flagged_is_left_out_and_the_raters_come_along(
    client_of: Callable[[User], Client], researcher: User, rater: User
) -> None:
    study = study_with_a_copy(rater)
    study.share_with(researcher, Part.OWNER)
    browser = client_of(researcher)

    asks = browser.get(f"{study.get_absolute_url()}freeze-again/").content.decode()
    browser.post(
        f"{study.get_absolute_url()}freeze-again/",
        {"name": "Second", "leave_out": "on", "common_size": "own", "grey_range": "own", "burned_in": "keep"},
    )

    second = Study.objects.get(name="Second")
    audit = audited(second)
    assert "flagged 1 image" in asks
    assert [enrolment.user for enrolment in second.enrolments.all()] == [rater]
    assert second.enrolments.get().sittings.exists()
    assert second.repeats == 2
    assert second.is_owned_by(researcher)
    assert second.images.count() == 23
    copies = next(f for f in audit.findings if f["check"] == "Duplicates in the study")
    assert copies["verdict"] == "green"
    study.refresh_from_db()
    assert study.state == Study.State.FROZEN


def test_the_command_freezes_again_too(rater: User) -> None:
    study = study_with_a_copy(rater)

    call_command("study", "freeze", study.name, "--again", "--as", "Second", stdout=io.StringIO())

    second = Study.objects.get(name="Second")
    assert second.state == Study.State.FROZEN
    assert second.images.count() == 23
    assert second.enrolments.count() == 1


def test_a_draft_cannot_be_frozen_again() -> None:
    study = Study.objects.create(name="Draft")

    with pytest.raises(NotPossibleError, match="Only a study that is frozen"):
        freeze_again(study, by=None)


def test_common_grey_levels_give_every_image_the_same_histogram() -> None:
    real, fake = arms(each=10)
    gamma = [(255 * (p / 255) ** 1.8).astype(np.uint8) for p in fake]
    study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, gamma), grey_range="common")

    audit = audited(study)

    images = levels_of(study)
    quantiles = np.array([np.quantile(p, (0.1, 0.5, 0.9)) for p in images["real"] + images["synthetic"]])
    assert np.ptp(quantiles, axis=0).max() <= 4
    grey = next(f for f in audit.findings if f["check"] == "Brightness and contrast")
    assert grey["verdict"] != "red"


def test_levels_go_by_rank() -> None:
    pixels = np.array([[0, 10], [20, 200]], dtype=np.uint8)

    moved = with_levels(pixels, 100 * PROBABILITIES)

    assert moved.tolist() == [[12, 38], [62, 88]]


def test_real_images_are_shown_as_the_model_saw_them() -> None:
    real, fake = arms(each=10)
    small = [p[::4, ::4].copy() for p in fake]
    study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, small), common_size="model")

    audit = audited(study)

    sizes = next(f for f in audit.findings if f["check"] == "Native sizes")
    assert sizes["verdict"] == "green"
    assert "one size" in sizes["reason"]
    # What the model's square of 40 pixels cannot hold is in no image: energy above its limit, in either arm.
    for images in levels_of(study).values():
        spectrum = np.abs(np.fft.fft2(images[0] - images[0].mean())) ** 2
        frequencies = np.abs(np.fft.fftfreq(len(spectrum)))
        high = frequencies > 0.25
        assert spectrum[high][:, high].sum() < 0.01 * spectrum.sum()


def test_what_the_authors_wrote_comes_along(researcher: User) -> None:
    study = study_with_a_copy()
    AuthorStatement.objects.create(study=study, topic="funding", text="None.", written_by=researcher)

    second = freeze_again(study, by=researcher)

    assert list(second.statements.values_list("topic", "text", "written_by")) == [
        ("funding", "None.", researcher.pk)
    ]


def test_a_program_freezes_again_as_the_page_does(researcher: User, rater: User) -> None:
    study = study_with_a_copy(rater)
    study.share_with(researcher, Part.EDITOR)

    answer = post(caller(researcher), f"/api/v1/studies/{study.slug}/freeze-again", {"name": "Second"})

    second = Study.objects.get(name="Second")
    assert answer.status_code == 201, answer.content
    assert answer.json()["study"]["slug"] == second.slug
    assert second.left_out.count() == 1
    assert second.enrolments.get().user == rater
    assert second.freezes.exists()
