"""A rater at work, in a real browser."""

import pytest

from rating.models import Rating
from tests.rating.cast import open_study, presentations
from tests.reading.rooms import enter, rate, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def test_a_whole_sitting_by_keys_alone(open_browser, rater):
    study = open_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)

    for key in "12312":
        rate(page, key)
    page.keyboard.press("f")
    page.keyboard.press("Enter")

    until(page, "() => document.querySelector('h1').textContent.includes('All images rated')")
    labels = [presentation.rating.label for presentation in presentations(study, rater)]
    assert labels == ["real", "fake", "unsure", "real", "fake", "fake"]
    assert Rating.objects.filter(active_ms__isnull=False).count() == 6
