"""Who has which part in a dataset or a study: owner, editor, viewer; a person, a group, or every researcher.

A role says what a person may do at all, a membership with what. Both are asked: `visible_to` and its sisters
narrow a QuerySet to the rows of one person, so that what is not theirs is 404 and forgetting the check impossible.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self, TypeVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Now


class Part(models.TextChoices):
    """What a member may do. A viewer sees and uses, an editor changes, an owner also removes and names members."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


Row = TypeVar("Row", bound=models.Model)
EDITORS = (Part.OWNER, Part.EDITOR)


class Membership(models.Model):
    """One part in one subject; with neither user nor group it is the part of every researcher of the site.

    A concrete class adds `subject`, a foreign key with the related name `memberships`.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, related_name="+")
    part = models.CharField(max_length=6, choices=Part)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "user", "group"], nulls_distinct=False, name="%(class)s_once"
            ),
            models.CheckConstraint(
                condition=models.Q(user=None) | models.Q(group=None), name="%(class)s_user_or_group"
            ),
            models.CheckConstraint(condition=models.Q(part__in=Part.values), name="%(class)s_part_known"),
        ]

    def __str__(self) -> str:
        return f"{self.member}: {self.part}"

    @property
    def member(self) -> str:
        return str(self.user or self.group or "All researchers")


def of_person(person: Any) -> models.Q:
    """The memberships that count for this person: their own, their groups', and every researcher's."""
    everybody = models.Q(user=None, group=None)
    return models.Q(user=person.pk) | models.Q(group__user=person.pk) | everybody


class SharedQuerySet(models.QuerySet[Row]):
    """Rows that have `memberships`."""

    def visible_to(self, person: Any) -> Self:
        return self._with_part(person, Part.values)

    def editable_by(self, person: Any) -> Self:
        return self._with_part(person, EDITORS)

    def owned_by(self, person: Any) -> Self:
        return self._with_part(person, [Part.OWNER])

    def joinable_by(self, person: Any) -> Self:
        """What this person has no part in and may take one, with a reason: admins alone, who learn the names of it."""
        if not person.has_perm("accounts.change_user"):
            return self.none()
        return self.exclude(models.Exists(self._granted(person, Part.values)))

    def _with_part(self, person: Any, parts: Iterable[str]) -> Self:
        return self.filter(models.Exists(self._granted(person, parts)))

    def _granted(self, person: Any, parts: Iterable[str]) -> models.QuerySet[Any]:
        memberships: Any = self.model._meta.get_field("memberships").related_model
        rows: models.QuerySet[Any] = memberships.objects.filter(of_person(person))
        return rows.filter(subject=models.OuterRef("pk"), part__in=parts)


class Shared(models.Model):
    """What people have a part in."""

    memberships: Any

    class Meta:
        abstract = True

    def share_with(self, member: Any = None, part: Part = Part.VIEWER, *, by: Any = None) -> None:
        """Give a person, a group or, with None, every researcher this part instead of the one they had."""
        which = (
            {"user": None, "group": member} if isinstance(member, Group) else {"user": member, "group": None}
        )
        self.memberships.update_or_create(**which, defaults={"part": part, "added_by": by})

    def give_to_maker(self, maker: Any) -> None:
        """Who made it owns it; what nobody made, as on the command line, every researcher may see and use."""
        if maker is None:
            self.share_with(None, Part.VIEWER)
        else:
            self.share_with(maker, Part.OWNER, by=maker)

    def parts_of(self, person: Any) -> set[str]:
        return set(self.memberships.filter(of_person(person)).values_list("part", flat=True))

    def may_edit(self, person: Any) -> bool:
        return not self.parts_of(person).isdisjoint(EDITORS)

    def is_owned_by(self, person: Any) -> bool:
        return Part.OWNER in self.parts_of(person)

    def owners(self) -> list[Any]:
        """The people who own it by themselves, for a sentence or a mail."""
        rows = self.memberships.filter(part=Part.OWNER, user__isnull=False).select_related("user")
        return [row.user for row in rows]
