"""No token, no sign-in link and nothing a person typed reaches a log."""

import logging

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import User
from lungrater.logs import WithoutTokens


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["login_link", "rating:presented"])
def test_a_token_asked_for_in_vain_is_not_logged(client, caplog, page):
    caplog.handler.addFilter(WithoutTokens())

    with caplog.at_level(logging.WARNING):
        client.get(reverse(page, args=["s3cret-token"]))

    assert caplog.records
    assert "s3cret-token" not in caplog.text


def test_what_a_refused_row_holds_is_not_in_the_log_of_the_embedded_database(researcher):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(researcher.email, last_name="Unmentionable")

    log = (settings.HOME.logs / "postgres.log").read_text()

    assert "duplicate key value violates unique constraint" in log
    assert "Unmentionable" not in log
    assert researcher.email not in log
