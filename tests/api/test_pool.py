"""Datasets and images by program: made, sent in pieces, looked through, each within the person's reach."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image as Pillow

from accounts.membership.models import Part
from pool.models import Dataset, FileOutcome, Image, ImportJob
from tests.api.callers import act_header, caller, post
from tests.factories import make_dataset, make_held_file, make_image, make_pixels

pytestmark = pytest.mark.django_db
DATASETS = "/api/v1/datasets"
NEW = {"name": "Hospital A", "origin": "real", "modality": "xray", "licence": "CC BY 4.0"}


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(make_pixels(side=64, seed=seed)).save(buffer, "PNG")
    return buffer.getvalue()


def send(program: Client, dataset: int, *files: bytes, **headers: str) -> Any:
    uploads = [SimpleUploadedFile(f"{number}.png", file, "image/png") for number, file in enumerate(files)]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return program.post(f"{DATASETS}/{dataset}/images", {"uploads": uploads}, headers=named)


def missing(program: Client, dataset: int, *files: bytes, **asked: bool) -> list[str]:
    body = {"sha256": [hashlib.sha256(file).hexdigest() for file in files], **asked}
    return list(post(program, f"{DATASETS}/{dataset}/images/missing", body).json()["sha256"])


def test_a_dataset_is_made_and_belongs_to_whoever_made_it(researcher):
    answer = post(caller(researcher), DATASETS, NEW)

    assert answer.status_code == 201
    dataset = Dataset.objects.get()
    assert answer.json()["id"] == dataset.pk
    assert (dataset.licence, dataset.created_by) == ("CC BY 4.0", researcher)
    assert dataset.is_owned_by(researcher)


def test_what_the_form_refuses_the_api_refuses_in_its_words(researcher):
    make_dataset(name="Hospital A")

    answer = post(caller(researcher), DATASETS, NEW | {"origin": "dreamt"})

    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert errors["name"] == ["Dataset with this Name already exists."]
    assert errors["origin"] == ["Select a valid choice. dreamt is not one of the available choices."]


def test_the_same_create_sent_twice_creates_once(researcher):
    program = caller(researcher)

    first, second = (post(program, DATASETS, NEW, idempotency_key="k1") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Dataset.objects.count() == 1


def test_a_key_of_another_request_is_refused_and_another_person_has_keys_of_their_own(researcher, admin):
    program = caller(researcher)
    post(program, DATASETS, NEW, idempotency_key="k1")

    other_body = post(program, DATASETS, NEW | {"name": "Hospital B"}, idempotency_key="k1")
    other_person = post(caller(admin), DATASETS, NEW | {"name": "Hospital C"}, idempotency_key="k1")

    assert (other_body.status_code, other_person.status_code) == (409, 201)
    assert not Dataset.objects.filter(name="Hospital B").exists()


def test_a_create_that_failed_is_tried_again_with_its_key(researcher):
    program = caller(researcher)
    taken = make_dataset(name="Hospital A")
    refused = post(program, DATASETS, NEW, idempotency_key="k1")
    taken.delete()

    answer = post(program, DATASETS, NEW, idempotency_key="k1")

    assert (refused.status_code, answer.status_code) == (422, 201)


def test_images_are_sent_and_the_import_can_be_followed(researcher):
    program = caller(researcher)
    dataset = post(program, DATASETS, NEW).json()["id"]

    answer = send(program, dataset, png(1), png(2))
    before = program.get(f"/api/v1/imports/{answer.json()['id']}")
    ImportJob.objects.get().perform()
    after = program.get(f"/api/v1/imports/{answer.json()['id']}")

    assert answer.status_code == 202
    assert (before.json()["state"], before["Retry-After"]) == ("queued", "1")
    assert (after.json()["state"], after.json()["imported"]) == ("succeeded", 2)
    assert "Retry-After" not in after.headers
    assert program.get(f"{DATASETS}/{dataset}").json()["image_count"] == 2


def test_a_broken_upload_goes_on_with_what_is_missing_and_adds_nothing_twice(researcher):
    program = caller(researcher)
    dataset = post(program, DATASETS, NEW).json()["id"]
    files = [png(number) for number in range(3)]
    send(program, dataset, files[0])
    ImportJob.objects.get().perform()

    left = missing(program, dataset, *files)
    send(program, dataset, *files)
    ImportJob.objects.latest("pk").perform()

    assert left == [hashlib.sha256(file).hexdigest() for file in files[1:]]
    assert Image.objects.filter(dataset=dataset).count() == 3
    assert missing(program, dataset, *files) == []


def test_the_same_files_under_one_key_make_one_import(researcher):
    program = caller(researcher)
    dataset = post(program, DATASETS, NEW).json()["id"]

    answers = [send(program, dataset, png(1), idempotency_key="upload") for _ in range(2)]
    other = send(program, dataset, png(2), idempotency_key="upload")

    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert other.status_code == 409
    assert ImportJob.objects.count() == 1


def test_an_upload_is_cancelled_and_goes_on(researcher):
    program = caller(researcher)
    dataset = post(program, DATASETS, NEW).json()["id"]
    job = send(program, dataset, png(1)).json()["id"]

    cancelled = post(program, f"/api/v1/imports/{job}/cancel").json()["state"]
    resumed = post(program, f"/api/v1/imports/{job}/resume").json()["state"]
    again = post(program, f"/api/v1/imports/{job}/resume")

    assert (cancelled, resumed, again.status_code) == ("cancelled", "queued", 409)
    assert again.json()["detail"] == "This job needs no second start."


def test_pages_of_images_leave_none_out_and_show_none_twice(researcher):
    dataset = make_dataset()
    keys = {str(make_image(dataset).pk) for _ in range(5)}
    program = caller(researcher)

    address, pages = f"/api/v1/images?page_size=2&dataset={dataset.pk}", []
    while address:
        page = program.get(address).json()
        pages.append([image["id"] for image in page["results"]])
        address = page["next"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert {key for page in pages for key in page} == keys


@pytest.mark.parametrize("cursor", ["x", "cD14", "bz05OTk5", "cD0xJm89LTE=", "%00"])
def test_a_cursor_that_no_answer_gave_is_refused_in_a_sentence(researcher, cursor):
    for path in ("images", "datasets"):
        answer = caller(researcher).get(f"/api/v1/{path}?cursor={cursor}")

        assert answer.status_code in {200, 422}
        assert answer.status_code == 200 or "next" in answer.json()["detail"]


def test_an_image_comes_with_its_pixels_and_is_left_out_with_a_reason(researcher):
    pixels = make_pixels(seed=7)
    image = make_image(pixels=pixels)
    program = caller(researcher)

    file = program.get(f"/api/v1/images/{image.pk}/file")
    excluded = post(program, f"/api/v1/images/{image.pk}/exclude", {"reason": "blurred"}).json()
    included = post(program, f"/api/v1/images/{image.pk}/include").json()

    assert file["Content-Type"] == "image/png"
    assert (pixels == Pillow.open(io.BytesIO(file.content))).all()
    assert (excluded["excluded_reason"], included["excluded_reason"]) == ("blurred", "")


def test_what_a_person_has_no_part_in_is_not_there(researcher):
    image = make_image()
    image.dataset.memberships.all().delete()
    program = caller(researcher)

    statuses = [
        program.get(f"/api/v1/images/{image.pk}").status_code,
        program.get(f"{DATASETS}/{image.dataset_id}").status_code,
        send(program, image.dataset_id, png(1)).status_code,
    ]

    assert statuses == [404] * 3
    assert program.get(DATASETS).json()["results"] == []


def test_a_viewer_sends_no_images(researcher):
    dataset = make_dataset()
    dataset.share_with(None, Part.VIEWER)

    assert send(caller(researcher), dataset.pk, png(1)).status_code == 404
    assert not ImportJob.objects.exists()


def test_a_dataset_goes_with_its_name_typed(researcher):
    dataset = make_dataset(name="Old")
    program = caller(researcher)

    wrong = post(program, f"{DATASETS}/{dataset.pk}/remove", {"confirm": "New"})
    right = post(program, f"{DATASETS}/{dataset.pk}/remove", {"confirm": "Old"})

    assert (wrong.status_code, right.status_code) == (422, 204)
    assert not Dataset.objects.exists()


def test_the_last_owner_stays(researcher):
    dataset = make_dataset()

    answer = post(
        caller(researcher),
        f"{DATASETS}/{dataset.pk}/members",
        {"member": "all researchers", "part": "viewer"},
        **act_header(researcher),
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][""] == ["Somebody has to own it: name another owner first."]


def import_with_outcomes(dataset: Dataset) -> ImportJob:
    job = ImportJob.objects.create(dataset=dataset)
    for kind in FileOutcome.Kind:
        FileOutcome.objects.create(job=job, kind=kind, file=f"{kind}.png", reason="so", same_as="1.png")
    return job


def test_the_list_of_imports_costs_as_many_queries_for_ten_as_for_one(researcher, django_assert_num_queries):
    dataset, program = make_dataset(), caller(researcher)
    job = import_with_outcomes(dataset)
    program.get("/api/v1/imports")
    with CaptureQueriesContext(connection) as queries:
        results = program.get("/api/v1/imports").json()["results"]
    for _ in range(9):
        import_with_outcomes(dataset)

    with django_assert_num_queries(len(queries)):
        ten = program.get("/api/v1/imports").json()["results"]
    itself = program.get(f"/api/v1/imports/{job.pk}").json()

    assert (len(results), len(ten)) == (1, 10)
    assert ({"refused", "duplicates"} & set(ten[0])) == set()
    assert [row["file"] for row in itself["refused"] + itself["duplicates"]] == [
        "refused.png",
        "duplicate.png",
    ]


def test_an_import_whose_files_are_deleted_says_so_when_it_is_to_go_on(researcher):
    job = ImportJob.objects.create(dataset=make_dataset(), state=ImportJob.State.CANCELLED)

    answer = post(caller(researcher), f"/api/v1/imports/{job.pk}/resume")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "The files that were sent are deleted by now: send them again."


def test_files_of_the_release_desk_are_missing_only_to_whoever_may_not_see_it(researcher, admin):
    dataset = make_dataset()
    dataset.share_with(admin, Part.OWNER)
    dataset.share_with(None, Part.VIEWER)
    files = [png(number) for number in range(3)]
    waiting, discarded, new = (hashlib.sha256(file).hexdigest() for file in files)
    make_held_file(dataset, source_sha256=waiting)
    make_held_file(
        dataset, source_sha256=discarded, state="discarded", reason="A name.", decided_at=timezone.now()
    )

    assert missing(caller(admin), dataset.pk, *files) == [new]
    assert missing(caller(researcher), dataset.pk, *files) == [waiting, discarded, new]


def test_refused_files_and_duplicates_are_missing_only_to_whoever_asks_for_them(researcher):
    program = caller(researcher)
    dataset = post(program, DATASETS, NEW).json()["id"]
    buffer = io.BytesIO()
    Pillow.open(io.BytesIO(png(1))).save(buffer, "TIFF")
    files = [png(1), buffer.getvalue(), b"no image"]
    send(program, dataset, *files)
    ImportJob.objects.get().perform()

    assert Image.objects.count() == 1
    assert missing(program, dataset, *files) == []
    assert missing(program, dataset, *files, with_outcomes=True) == [
        hashlib.sha256(file).hexdigest() for file in files[1:]
    ]
