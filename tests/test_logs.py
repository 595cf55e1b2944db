"""No token and no sign-in link reaches a log."""

import logging

import pytest
from django.urls import reverse

from lungrater.logs import WithoutTokens


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["login_link", "rating:picture"])
def test_a_token_asked_for_in_vain_is_not_logged(client, caplog, page):
    caplog.handler.addFilter(WithoutTokens())

    with caplog.at_level(logging.WARNING):
        client.get(reverse(page, args=["s3cret-token"]))

    assert caplog.records
    assert "s3cret-token" not in caplog.text
