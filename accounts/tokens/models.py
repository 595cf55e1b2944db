"""Tokens by which a person's programs come in, and what such a program has created already."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.tokens.digest import digest
from audit import record

ACT_LIVES = timedelta(minutes=10)
ANSWER_LIVES = timedelta(days=1)  # for a request sent again with its key
NOTED_EVERY = timedelta(minutes=1)  # between two notes of a token's last use
HINT_LETTERS = 8


class Scope(models.TextChoices):
    """What a program may do, within what its person may."""

    READ = "read", "See datasets, images, jobs and studies"
    WRITE = "write", "Make and change them"
    EXPORT = "export", "Take results, ratings and logs out"
    PEOPLE = "people", "See and invite people"


class PersonalTokenQuerySet(models.QuerySet["PersonalToken"]):
    def valid(self) -> Self:
        return self.filter(expires_at__gt=Now(), revoked_at=None, user__is_active=True)

    def for_secret(self, secret: str) -> Self:
        return self.valid().filter(digest=digest(secret))

    def ended_act_tokens(self) -> Self:
        """They open nothing any more and stand on no page; that they were made, the log keeps."""
        return self.filter(is_act_token=True, expires_at__lt=Now())

    def listed_for(self, person: Any) -> Self:
        """A person's tokens for their own page: those that act for minutes only are not listed."""
        return self.filter(user=person.pk, is_act_token=False)


class PersonalToken(models.Model):
    """A person's token. Only its digest is stored; it is shown once.

    An act token goes along with another one: it stands for its person having proved within minutes who they are, which
    those acts want whose pages ask for a proof.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), default=list)
    is_act_token = models.BooleanField(default=False, editable=False)
    # How its person had proved who they are when it was made; empty for the demo's, who can prove nothing.
    proof = models.CharField(max_length=30, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = PersonalTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values), name="token_scopes_known"
            ),
        ]

    def __str__(self) -> str:
        return f"token “{self.name}” ({self.hint}…)"

    @classmethod
    def issue(
        cls,
        user: Any,
        *,
        name: str,
        lives: timedelta,
        scopes: list[str],
        proof: str = "",
        is_act_token: bool = False,
    ) -> tuple[PersonalToken, str]:
        """The row and the secret, which is never shown again; the log keeps that it was made."""
        secret = f"{'lra' if is_act_token else 'lrt'}_{secrets.token_urlsafe(32)}"
        token = cls.objects.create(
            user=user,
            name=name,
            digest=digest(secret),
            hint=secret[:HINT_LETTERS],
            scopes=scopes,
            proof=proof,
            is_act_token=is_act_token,
            expires_at=timezone.now() + lives,
        )
        action = "made an act token" if is_act_token else "made a token"
        record(user, user, action, name=token.hint, scopes=scopes, until=token.expires_at.isoformat())
        return token, secret

    @classmethod
    def issue_for_acts(cls, user: Any, *, proof: str) -> tuple[PersonalToken, str]:
        return cls.issue(user, name="Acts", lives=ACT_LIVES, scopes=[], proof=proof, is_act_token=True)

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "valid" if self.expires_at > timezone.now() else "expired"

    def revoke(self, *, by: Any) -> None:
        """End it now; a second time changes nothing."""
        if PersonalToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=Now()):
            record(by, by, "revoked a token", name=self.hint)

    def note_use(self) -> None:
        """Keep when it was last used, to the minute: not every request needs a write."""
        if self.last_used_at is None or timezone.now() - self.last_used_at > NOTED_EVERY:
            PersonalToken.objects.filter(pk=self.pk).update(last_used_at=Now())


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    def over(self) -> Self:
        return self.filter(created_at__lt=Now() - ANSWER_LIVES)


class IdempotentRequest(models.Model):
    """What a program created under a key of its own, so that the same request sent again gets the same answer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    content = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_person")
        ]

    def __str__(self) -> str:
        return f"request {self.key}"
