"""Long lists come in pages, whose queries do not grow with the list."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.urls import reverse

from accounts.membership.models import Part
from pool.models import Dataset, Modality, Origin
from rating.models import ImportedRatings, Study
from tests.database_work import analyze, database_work

pytestmark = pytest.mark.django_db
PER_PAGE = 50


def add_studies(count: int) -> None:
    have = Study.objects.count()
    for number in range(have, have + count):
        Study.objects.create(name=f"Row {number:03}").share_with(None, Part.OWNER)


def add_datasets(count: int) -> None:
    have = Dataset.objects.count()
    for number in range(have, have + count):
        dataset = Dataset.objects.create(name=f"Row {number:03}", origin=Origin.REAL, modality=Modality.XRAY)
        dataset.share_with(None, Part.OWNER)


def add_imported(count: int) -> None:
    have = ImportedRatings.objects.count()
    for number in range(have, have + count):
        row = ImportedRatings.objects.create(name=f"Row {number:03}", slug=f"row-{number}", table=[])
        row.share_with(None, Part.OWNER)


LISTS: dict[str, Callable[[int], None]] = {
    "rating:studies": add_studies,
    "pool:datasets": add_datasets,
    "rating:imported_list": add_imported,
}


@pytest.mark.parametrize("page", LISTS)
def test_a_long_list_comes_in_pages_at_a_price_that_does_not_grow(page, client_of, admin):
    browser, add = client_of(admin), LISTS[page]
    browser.get(reverse(page))  # what a process asks once

    work = {}
    for size in (60, 120):
        add(60)
        analyze()
        with database_work() as work[size]:
            first = browser.get(reverse(page)).text

    names = {name for n in (1, 2, 3) for name in rows(browser.get(reverse(page), {"page": n}).text)}
    assert len(rows(first)) == PER_PAGE
    assert len(names) == 120
    assert "Page 1 of 3" in first
    assert work[60].queries == work[120].queries
    assert work[120].rows < 2 * work[60].rows


def rows(page: str) -> set[str]:
    return set(re.findall(r"Row \d{3}", page))
