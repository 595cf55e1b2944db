"""The table of events. The database numbers, stamps and chains each row; nobody can change or remove one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from audit.actors import COMMAND_LINE, PERSON, RATER, SITE, STRANGER, actor_of

SITE_CHAIN = "site"
REDACTED = "redacted"


def chain_of(subject: Any) -> str:
    """Which chain holds what is done to this row: its own `trail`, else the site's."""
    return str(getattr(subject, "trail", SITE_CHAIN))


def name_of(subject: Any) -> tuple[str, str]:
    """Kind and key of a row, which name it for good; of None the site."""
    if subject is None:
        return "site", ""
    return str(subject._meta.model_name), str(getattr(subject, "uuid", subject.pk))


class EventQuerySet(models.QuerySet["Event"]):
    def add(
        self, subject: Any, actor: Any, action: str, *, reason: str = "", detail: Mapping[str, object]
    ) -> Event:
        kind, key = name_of(subject)
        who = actor_of(actor)
        return self.create(
            chain=chain_of(subject),
            subject_kind=kind,
            subject_key=key,
            action=action,
            actor_kind=who.kind,
            actor=who.uuid,
            identity=_storable(who.identity),
            reason=_storable(reason),
            detail=dict(detail),
        )

    def of_chain(self, subject: Any) -> Self:
        """All that is kept in the chain of this row."""
        return self.filter(chain=chain_of(subject))

    def about(self, subject: Any) -> Self:
        """What was done to this very row."""
        kind, key = name_of(subject)
        return self.filter(subject_kind=kind, subject_key=key)

    def by(self, person: Any) -> Self:
        """What this person did after signing in."""
        return self.filter(actor=person.uuid)

    def in_order(self) -> Self:
        """As they stand in their chain, first to last."""
        return self.order_by("chain", "number", "pk")


class Event(models.Model):
    """Who did what to what, when, and why."""

    class ActorKind(models.TextChoices):
        PERSON = PERSON
        RATER = RATER
        STRANGER = STRANGER
        COMMAND_LINE = COMMAND_LINE
        SITE = SITE

    chain = models.CharField(max_length=40, editable=False)
    number = models.PositiveBigIntegerField(
        null=True, editable=False
    )  # within its chain, given at the commit
    at = models.DateTimeField(db_default=Now(), editable=False)
    subject_kind = models.CharField(max_length=40, editable=False)
    subject_key = models.CharField(max_length=40, blank=True, editable=False)
    action = models.CharField(max_length=60, editable=False)
    actor_kind = models.CharField(max_length=12, choices=ActorKind, editable=False)
    actor = models.UUIDField(null=True, editable=False)
    identity = models.TextField(blank=True, editable=False)
    identity_nonce = models.CharField(max_length=32, blank=True, editable=False)
    identity_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    reason = models.TextField(blank=True, editable=False)
    reason_nonce = models.CharField(max_length=32, blank=True, editable=False)
    reason_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    detail = models.JSONField(default=dict, blank=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="event_number_once_per_chain"),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="event_latest"),
            models.Index(fields=["actor"], name="event_actor"),
            models.Index(fields=["subject_kind", "subject_key"], name="event_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.chain} {self.number or 'new'})"

    @property
    def who(self) -> str:
        """Whoever acted, in words."""
        if self.identity.startswith(
            "<"
        ):  # an older event, of a person without a name; it is hashed and stays
            return self.identity[1:-1]
        if self.identity:
            return self.identity
        return "redacted" if self.identity_sha256 else f"the {self.actor_kind}"

    @property
    def rater(self) -> str:
        """The pseudonym of the rater it was done to; empty of none."""
        return str(self.detail.get("rater", ""))


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL; an event must be kept whatever it quotes."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
