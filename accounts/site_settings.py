"""What the admins of this site decide for it: its name, who to ask, how people sign in, how long data are kept."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from accounts.roles import Role

NAME = "LungRater"
GRACE_DAYS = 14
RECENT_SECONDS = 10.0  # a change is noticed by the site's other processes after so long


class SiteSettings(models.Model):
    """The one row of a site; as long as nobody has changed anything there is none, and the defaults hold."""

    name = models.CharField("name of the site", max_length=60, default=NAME)
    contact = models.CharField(
        max_length=200,
        blank=True,
        help_text="Who helps people of this site: a name, an address, a telephone number.",
    )
    privacy_text = models.TextField(
        "privacy notice",
        blank=True,
        max_length=20_000,
        help_text="Who is responsible, what is kept and why. Everybody can read it, also before signing in.",
    )
    second_factor_roles = ArrayField(
        models.CharField(max_length=10, choices=Role.choices),
        verbose_name="second factor required of",
        default=list,
        blank=True,
    )
    second_factor_since = models.DateTimeField(null=True, editable=False)
    grace_days = models.PositiveSmallIntegerField(
        "days to set it up",
        default=GRACE_DAYS,
        validators=[MaxValueValidator(365)],
        help_text="After so many days nothing else opens until the second factor is set up.",
    )
    provisions_people = models.BooleanField(
        "make an account for whoever the identity provider sends",
        default=False,
        help_text="Otherwise only people who have been invited come in by it.",
    )
    retention_months = models.PositiveSmallIntegerField(
        "months to keep personal data after a study",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Empty: for ever.",
    )

    _recent: ClassVar[tuple[float, SiteSettings] | None] = (
        None  # when read, by this process's clock, and what
    )

    class Meta:
        verbose_name_plural = "site settings"
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="site_settings_one_row"),
            models.CheckConstraint(
                condition=models.Q(second_factor_roles__contained_by=Role.values),
                name="site_settings_roles_known",
            ),
        ]

    def __str__(self) -> str:
        return f"settings of {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves; this process goes by the new settings at once."""
        super().save(*args, **kwargs)
        self.forget_recent()

    @classmethod
    def current(cls) -> SiteSettings:
        """The settings as they are now; not stored yet, the defaults."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def recent(cls) -> SiteSettings:
        """The settings as they were seconds ago, to look at: each request asks for them, and they seldom change."""
        now, recent = time.monotonic(), cls._recent
        if recent is None or now - recent[0] > RECENT_SECONDS:
            recent = cls._recent = (now, cls.current())
        return recent[1]

    @classmethod
    def forget_recent(cls) -> None:
        cls._recent = None

    @property
    def mail_ending(self) -> str:
        """What stands below a mail to somebody who does not know the site yet."""
        lines = [f"-- \n{self.name}"]
        lines += [f"Contact: {self.contact}"] if self.contact else []
        lines += ["", self.privacy_text] if self.privacy_text else []
        return "\n".join(lines) + "\n"

    def requires_second_factor_of(self, person: Any) -> bool:
        return person.role in self.second_factor_roles

    def grace_ends_at(self, person: Any) -> Any:
        """When this person must have a second factor: days after it was required, or after they came, if that was later."""
        since = self.second_factor_since or timezone.now()
        return max(since, person.date_joined) + timedelta(days=self.grace_days)
