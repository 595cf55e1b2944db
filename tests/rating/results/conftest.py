"""A researcher's browser on the pages of an analysis."""

from __future__ import annotations

import pytest
from django.urls import reverse


@pytest.fixture
def browser(client_of, researcher):
    return client_of(researcher)


@pytest.fixture
def page(browser):
    """The text of one page of a study's analysis."""

    def shown(study, name="analysis", *args, **query):
        response = browser.get(reverse(f"rating:{name}", args=[study.slug, *args]), query)
        assert response.status_code == 200
        return response.content.decode()

    return shown
