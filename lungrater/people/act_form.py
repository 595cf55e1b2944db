"""What every act on a person's account shares: whose it is, who does it, and a sentence that says what has changed."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django import forms
from django.contrib.sessions.models import Session

from accounts.models import User
from audit.actors import Actor


class ActForm(forms.Form):
    """`save` carries it out; its sentence tells what has changed."""

    title = ""
    button = ""
    words = ""  # what it does, where the button alone does not say it
    is_grave = False

    def __init__(self, *args: Any, person: User, by: User | Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.by = person, by

    def save(self) -> str:
        raise NotImplementedError


def end_sessions(person: User) -> None:
    keys = list(UserSession.objects.filter(user=person).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=person).delete()
