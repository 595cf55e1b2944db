"""By program: what is said of datasets and images is corrected and taken back, and the release desk is worked through."""

from __future__ import annotations

import numpy as np
import pytest

from accounts.membership.models import Part
from accounts.models import User
from audit.models import Event
from pool.canonical.pixels import decode_png
from pool.canonical.previews import stored_pixels
from pool.models import Dataset, HeldFile, Image
from tests.api.callers import act_header, caller, post
from tests.factories import make_dataset, make_held_file, make_image, make_pixels

pytestmark = pytest.mark.django_db
AT = "/api/v1"
WHY = {"reason": "Read again."}


def labels(dataset: Dataset) -> list[str]:
    return sorted(dataset.images.values_list("label", flat=True))


def test_a_dataset_is_described_anew_and_its_history_says_what_stood_there(researcher):
    program, dataset = caller(researcher), make_dataset(name="Chests")

    answer = program.patch(
        f"{AT}/datasets/{dataset.pk}", {"licence": "CC BY 4.0"}, content_type="application/json"
    )

    assert (answer.json()["name"], answer.json()["licence"]) == ("Chests", "CC BY 4.0")
    (event,) = program.get(f"{AT}/datasets/{dataset.pk}/history").json()["results"]
    assert event["changes"] == {"licence": {"before": "", "after": "CC BY 4.0"}}


def test_images_that_the_query_lists_are_corrected_and_say_again_what_they_said(researcher):
    program, dataset = caller(researcher), make_dataset()
    for label in ("Normal", "Pneumnia", "Pneumnia"):
        make_image(dataset, label=label)
    make_image(make_dataset(), label="Pneumnia")
    body = {"scope": "all", "field": "label", "value": "Pneumonia", **WHY}

    done = post(program, f"{AT}/corrections?dataset={dataset.pk}&label=Pneumnia", body).json()
    corrected = labels(dataset)
    key = done["correction"]["id"]
    befores = program.get(f"{AT}/corrections/{key}/images").json()["results"]
    back = post(program, f"{AT}/corrections/{key}/take-back").json()

    assert (done["changed"], done["correction"]["images"]) == (2, 2)
    assert corrected == ["Normal", "Pneumonia", "Pneumonia"]
    assert [row["before"] for row in befores] == ["Pneumnia"] * 2
    assert (back["restored"], back["correction"]["taken_back_by"]) == (2, str(researcher))
    assert labels(dataset) == ["Normal", "Pneumnia", "Pneumnia"]


def test_images_named_are_corrected_alone_and_none_of_another_persons(researcher):
    own, other = make_image(make_dataset()), make_image(make_dataset())
    other.dataset.memberships.all().delete()
    body = {"field": "split", "value": "test", **WHY}
    program = caller(researcher)

    refused = post(program, f"{AT}/corrections", {**body, "images": [str(own.pk), str(other.pk)]})
    done = post(program, f"{AT}/corrections", {**body, "images": [str(own.pk)]})

    assert refused.status_code == 422
    assert "images" in refused.json()["errors"]
    assert done.json()["changed"] == 1
    assert list(Image.objects.filter(split="test")) == [own]


def test_a_filter_that_is_none_corrects_nothing(researcher):
    """On a page the images are listed before they are corrected; a program sees no list, so a wrong filter must not mean all."""
    image = make_image(make_dataset(), label="Normal")
    body = {"scope": "all", "field": "label", "value": "Oedema", **WHY}

    refused = post(caller(researcher), f"{AT}/corrections?label=Nothing+like+it", body)

    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["label"])
    image.refresh_from_db()
    assert image.label == "Normal"


@pytest.mark.parametrize(
    "mask",
    [
        {"left": 4, "top": 2, "width": 10, "height": 5},
        {"left": 4, "top": 2, "right": 14, "bottom": 7},
    ],
)
def test_a_held_file_is_looked_at_masked_by_box_or_corners_and_released(researcher, mask):
    pixels = make_pixels(seed=3)
    row = make_held_file(pixels=pixels, label="Normal")
    program = caller(researcher)

    held_pixels = decode_png(program.get(f"{AT}/held-files/{row.pk}/image").content)
    answer = post(
        program, f"{AT}/held-files/{row.pk}/decision", {"decision": "mask", "mask": [mask], **WHY}
    ).json()

    black = pixels.copy()
    black[2:7, 4:14] = 0
    image = Image.objects.get(pk=answer["held_file"]["image_id"])
    assert np.array_equal(held_pixels, pixels)
    assert np.array_equal(stored_pixels(image), black)
    assert (answer["held_file"]["state"], answer["held_file"]["mask"]) == ("released", [[4, 2, 10, 5]])
    assert Event.objects.about(row).filter(action="released a held file", reason="Read again.").exists()


def test_a_decision_that_somebody_took_before_is_a_problem_and_a_mask_of_nothing_too(researcher):
    row, program = make_held_file(), caller(researcher)
    at = f"{AT}/held-files/{row.pk}/decision"
    inside_out = {"left": 9, "top": 9, "right": 3, "bottom": 3}

    nothing = post(program, at, {"decision": "mask", "mask": [inside_out], **WHY})
    first = post(program, at, {"decision": "discard", **WHY})
    second = post(program, at, {"decision": "release", **WHY})

    assert (nothing.status_code, list(nothing.json()["errors"])) == (422, ["mask"])
    assert (first.status_code, second.status_code) == (200, 409)
    assert "decided already" in second.json()["detail"]


def test_several_are_discarded_listed_as_such_and_let_come_again(researcher):
    rows = [make_held_file() for _ in range(3)]
    program = caller(researcher)

    done = post(
        program, f"{AT}/held-files/discard", {"held_files": [str(row.pk) for row in rows[:2]], **WHY}
    ).json()
    waiting = program.get(f"{AT}/held-files").json()["results"]
    discarded = program.get(f"{AT}/held-files?state=discarded").json()["results"]
    post(program, f"{AT}/held-files/{rows[0].pk}/readmit")

    assert sorted(done["discarded"]) == sorted(row["id"] for row in discarded)
    assert [row["id"] for row in waiting] == [str(rows[2].pk)]
    assert set(HeldFile.objects.all()) == set(rows[1:])


def test_an_admin_joins_a_dataset_in_the_open_by_an_act_token(
    admin, mailoutbox, django_capture_on_commit_callbacks
):
    dataset, owner = make_dataset(), User.objects.create_user("owner@example.org")
    dataset.memberships.all().delete()
    dataset.share_with(owner, Part.OWNER)
    program, at = caller(admin), f"{AT}/datasets/{dataset.pk}/join"

    without = post(program, at, WHY)
    with django_capture_on_commit_callbacks(execute=True):
        post(program, at, WHY, act_token=act_header(admin)["act-token"])

    assert without.status_code == 403
    assert dataset.is_owned_by(admin)
    assert "Read again." in mailoutbox[0].body
