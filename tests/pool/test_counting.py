"""Counts beside the rows of a list: right, and no product of what is counted."""

import hashlib
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from generation.models import GenerationJob
from pool.models import Dataset, Image, NearCopy
from pool.strips import strips
from rating.models import Study
from tests.database_work import analyze, database_work, rows_of_tables
from tests.factories import make_dataset, make_image
from tests.rating.long_study import long_study

pytestmark = pytest.mark.django_db


def test_a_dataset_counts_its_images_and_those_left_out():
    full = make_dataset("Full")
    make_dataset("None")
    for _ in range(3):
        make_image(full)
    Image.objects.filter(pk=full.images.earliest("pk").pk).update(excluded_reason="Blurred.")

    fields = "name", "image_count", "excluded_count"
    counted = set(Dataset.objects.counted().values_list(*fields))
    usable = {dataset.name: dataset.usable_images for dataset in Dataset.objects.with_usable_images()}

    assert counted == {("Full", 3, 1), ("None", 0, 0)}
    assert usable == {"Full": 2}


def rows_of_the_study_list(raters: int) -> int:
    people = [User.objects.create_user(f"{raters} {n}@example.org") for n in range(raters)]
    study = long_study(f"Of {raters}", raters=people, images=2)
    analyze()
    with database_work() as work:
        [listed] = Study.objects.filter(pk=study.pk).with_progress()
    assert (listed.rater_count, listed.presentation_count) == (raters, 2 * raters)
    return work.rows


def test_twice_the_raters_cost_the_list_of_studies_no_four_times_the_rows():
    few, many = rows_of_the_study_list(30), rows_of_the_study_list(60)

    assert many < 3 * few


def job_with(outcomes: int) -> GenerationJob:
    job = GenerationJob.objects.create(engine="phantom", dataset=make_dataset(), modality="xray", total=9000)
    job.outcomes.bulk_create(
        [job.outcomes.model(job=job, index=n, outcome="failed", reason="No.") for n in range(outcomes)]
    )
    return job


def test_a_page_of_jobs_does_not_read_what_became_of_the_images_of_others():
    rows = {}
    for others in (2000, 6000):
        job_with(others)
        newest = job_with(3)
        analyze()
        with database_work() as work:
            [listed] = GenerationJob.objects.with_counts()[:1]
        assert (listed.pk, listed.failed_count) == (newest.pk, 3)
        rows[others] = work.rows

    assert rows[6000] <= rows[2000] + 50


def test_two_jobs_are_compared_a_page_at_a_time(client_of, researcher):
    jobs = [job_with(0), job_with(0)]
    images = [make_image() for _ in range(4)]
    for job, own in zip(jobs, (images[:2], images[2:]), strict=True):
        for index, image in enumerate(own):
            job.outcomes.create(index=index, outcome="made", image=image)
    browser, address = client_of(researcher), reverse("generation:compare")

    page = browser.get(address, {"left": jobs[0].pk, "right": jobs[1].pk})

    assert [(one.image, other.image) for one, other in page.context["pairs"]] == list(
        zip(images[:2], images[2:], strict=True)
    )


def fill(images: int) -> None:
    """Two datasets of so many images, three of them left out and one held back each."""
    for origin in ("real", "synthetic"):
        dataset = make_dataset(f"{images} {origin}", origin=origin)
        rows = Image.objects.bulk_create(
            Image(
                dataset=dataset,
                origin=origin,
                modality="xray",
                file="none",
                pixel_sha256=hashlib.sha256(f"{origin} {n}".encode()).hexdigest(),
                width=64,
                height=64,
                bits=8,
                excluded_reason="Blurred." if n < 3 else "",
            )
            for n in range(images)
        )
        NearCopy.objects.create(image=rows[-1], of=rows[-2], similarity=1, threshold=0.9)
        NearCopy.objects.create(image=rows[-1], of=rows[-3], similarity=1, threshold=0.9)


def test_the_list_of_datasets_reads_each_image_once_to_count_it_and_never_again(researcher):
    works = {}
    for images in (400, 1600):
        fill(images)
        analyze()
        with database_work() as works[images]:
            listed: list[Any] = list(Dataset.objects.counted().filter(name__startswith=f"{images} "))
            strips([dataset.pk for dataset in listed], researcher)
        counts = {(each.image_count, each.excluded_count, each.held_count) for each in listed}
        assert counts == {(images, 3, 1)}

    few, many = works.values()
    assert len(many.queries) == len(few.queries)
    # A count gives its rows once to be grouped and once as read.
    assert many.rows - few.rows <= 2 * (1600 - 400) * 1.1


def test_a_page_of_datasets_reads_no_image_of_those_on_other_pages(client_of, researcher):
    for number in range(50):
        make_dataset(f"000 {number:02}")
    browser, address = client_of(researcher), reverse("pool:datasets")
    for images in (400, 1600):
        fill(images)  # after those fifty by name
        analyze()
        with rows_of_tables("pool!_image") as work:
            page = browser.get(address).text
        assert f"{images} real" not in page
        # The copy of each pair by its key: an entry of the index and a row, less where the planner remembers one.
        assert work.rows <= 2 * NearCopy.objects.count()


def held_back(copies: int) -> Dataset:
    """A dataset of so many images that each repeat two real ones."""
    real = [make_image(make_dataset()) for _ in range(2)]
    dataset = make_dataset(origin="synthetic")
    images = [make_image(dataset) for _ in range(copies)]
    NearCopy.objects.bulk_create(
        NearCopy(image=image, of=original, similarity=1, threshold=0.9)
        for image in images
        for original in real
    )
    return dataset


def test_near_copies_are_looked_at_once_for_a_page_of_datasets_however_many_it_has():
    for _ in range(20):
        make_dataset()
    rows = {}
    for copies in (20, 60):
        full = held_back(copies)
        analyze()
        with database_work() as work:
            listed: list[Any] = list(Dataset.objects.counted())
        assert {dataset.pk: dataset.held_count for dataset in listed}[full.pk] == copies
        rows[copies] = work.rows

    # Of 60 more images and 120 more pairs: each is given a few times on its way, and never by dataset.
    assert rows[60] - rows[20] <= (60 + 120) * 6
