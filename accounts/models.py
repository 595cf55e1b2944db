"""People, and the links that let them in without a password."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.preferences import Preferences
from accounts.roles import Role
from accounts.sign_in.addresses import NO_MAILBOX, RECRUITED_DOMAIN
from accounts.site_settings import SiteSettings
from accounts.tokens.digest import digest
from accounts.tokens.models import IdempotentRequest, PersonalToken

__all__ = ["IdempotentRequest", "LoginLink", "PersonalToken", "Preferences", "SiteSettings", "User"]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, role=Role.ADMIN, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person who signs in by email."""

    username = None  # type: ignore[assignment]  # AbstractUser's field is dropped: people sign in by email
    # What the trail names a person by; address and name may change or be erased.
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField("email address", unique=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.RATER)
    # When something first arrived in the mailbox, or the identity provider vouched for it; None: nobody knows whose it is.
    address_confirmed_at = models.DateTimeField(null=True, editable=False)
    is_demo = models.BooleanField(default=False, editable=False, help_text="A made-up person of the demo.")
    erased_at = models.DateTimeField(null=True, editable=False)  # since then nothing here says who it was

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # AbstractUser's wants usernames

    class Meta:
        ordering = ["email"]
        permissions: ClassVar = [("invite_rater", "May invite people to rate")]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once_in_any_case"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
        ]

    def __str__(self) -> str:
        if self.erased_at:
            return "erased person"
        by_address = self.email if self.knows_address else f"{gettext('Rater')} {self.email[:6]}"
        return self.get_full_name() or by_address

    @property
    def identity(self) -> str:
        """Name and address as the trail keeps them; nothing of a person who is erased."""
        if self.erased_at:
            return ""
        name = self.get_full_name()
        return f"{name} <{self.email}>" if name else self.email

    @property
    def has_mailbox(self) -> bool:
        """Whether there can be one at the address, which is made up for whoever came by a recruitment site."""
        return not self.email.endswith(NO_MAILBOX)

    @property
    def knows_address(self) -> bool:
        """Not whoever came by a recruitment site, whose address is made up; so is that of the demo's people, who read it."""
        return not self.email.endswith(f"@{RECRUITED_DOMAIN}")

    def confirm_address(self) -> None:
        User.objects.filter(pk=self.pk, address_confirmed_at=None).update(address_confirmed_at=Now())


class LoginLinkQuerySet(models.QuerySet["LoginLink"]):
    def open(self) -> Self:
        return self.filter(expires_at__gt=Now()).filter(
            models.Q(used_at=None) | models.Q(reusable=True, user__is_demo=True)
        )

    def at(self, address: str) -> Self:
        """The link with this path or URL."""
        return self.filter(digest=digest(address.rstrip("/").rsplit("/", 1)[-1]))

    def void(self) -> None:
        """Let those that nobody has used work no longer; the demo's stay."""
        self.filter(used_at=None, reusable=False, expires_at__gt=Now()).update(expires_at=Now())

    def for_token(self, token: str) -> Self:
        return self.open().filter(digest=digest(token), user__is_active=True)


class LoginLink(models.Model):
    """A link that signs one person in, once, before it expires. Only its digest is stored.

    The demo's people get reusable links, so that one visitor can change between their roles.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    next_path = models.CharField(max_length=200, default="/")
    reusable = models.BooleanField(default=False)
    mailed = models.BooleanField(default=False, db_default=False, editable=False)
    # Whoever asked for it; None: the person themselves, or the command line.
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = LoginLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"login link of {self.user}"

    @classmethod
    def issue(
        cls,
        user: User,
        *,
        lives: timedelta,
        next_path: str = "/",
        reusable: bool = False,
        made_by: User | None = None,
    ) -> str:
        """The path of a fresh link for this person; it is never shown again."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(
            user=user,
            digest=digest(token),
            next_path=next_path,
            reusable=reusable,
            made_by=made_by,
            expires_at=timezone.now() + lives,
        )
        return reverse("login_link", args=[token])

    @classmethod
    def mark_mailed(cls, address: str) -> None:
        """Note that this link, a path or a URL, has gone to the mailbox of its person and nowhere else."""
        cls.objects.at(address).update(mailed=True)

    def use(self) -> bool:
        """True for whoever comes first.

        The condition stands on the row itself: one inside a joined subquery is not looked at again once the row's
        lock is free, and of twelve at once five to eleven came in.
        """
        unused_link = LoginLink.objects.filter(pk=self.pk, expires_at__gt=Now())
        if not (self.reusable and self.user.is_demo):
            unused_link = unused_link.filter(used_at=None)
        return bool(unused_link.update(used_at=Now()))
