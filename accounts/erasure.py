"""Taking a person out of the accounts: who they are goes, the row that the research record points to stays, empty."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.utils import timezone

from accounts.membership.models import Membership
from accounts.models import User
from accounts.sign_in.addresses import NO_MAILBOX

ERASED_DOMAIN = f"erased{NO_MAILBOX}"


@transaction.atomic
def erase_account(person: User) -> None:
    """Empty the person's row and delete all that exists only for them: sessions, keys, links, addresses, preferences.

    What must not go with a person is declared so on its foreign key (PROTECT): enrolments, jobs, studies made.
    """
    _end_sessions(person)
    for relation in _relations():
        related: Any = relation.related_model
        field = relation.field.name
        is_own = relation.on_delete is models.CASCADE
        if is_own or (issubclass(related, Membership) and field == "user"):
            related._base_manager.filter(**{field: person}).delete()
    person.groups.clear()
    person.email = f"{person.uuid}@{ERASED_DOMAIN}"
    person.first_name = person.last_name = ""
    person.set_unusable_password()
    person.is_active = False
    person.last_login = None
    person.erased_at = timezone.now()
    person.save()


def _relations() -> list[Any]:
    """Every foreign key of the site that points to a person."""
    return [
        each
        for each in User._meta.get_fields(include_hidden=True)
        if (each.one_to_many or each.one_to_one) and each.auto_created
    ]


def _end_sessions(person: User) -> None:
    """Those signed in as this person, and those of nobody yet in which this address was typed."""
    for session in Session.objects.iterator(chunk_size=500):
        content = session.get_decoded()
        if content.get("_auth_user_id") == str(person.pk) or person.email in str(content).lower():
            session.delete()
