"""How one person likes the pages; kept here, not in the browser, as reading PCs are shared."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role


class Preferences(models.Model):
    class Theme(models.TextChoices):
        AUTO = "auto", _("As the system")
        DARK = "dark", _("Dark")
        LIGHT = "light", _("Light")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    theme = models.CharField(_("Colours"), max_length=5, choices=Theme, default=Theme.DARK)
    language = models.CharField(
        _("Language"), max_length=5, choices=[("", _("As the browser")), *settings.LANGUAGES], blank=True
    )
    auto_advance = models.BooleanField(_("A label key saves and moves on at once"), default=False)
    single_keys = models.BooleanField(_("Single-key shortcuts"), default=True)
    # Until they have taken or declined it.
    offers_tour = models.BooleanField(default=True, db_default=True, editable=False)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of user {self.user_id}"

    @classmethod
    def of(cls, user: Any) -> Preferences:
        """This person's, or the defaults: the reading room starts dark, the other pages as the system is."""
        theme = cls.Theme.DARK if user.role == Role.RATER else cls.Theme.AUTO
        return cls.objects.filter(user=user).first() or cls(user=user, theme=theme)

    @classmethod
    def end_tour(cls, user: Any) -> None:
        ended = {"offers_tour": False}
        cls.objects.update_or_create(
            user=user, defaults=ended, create_defaults={**ended, "theme": cls.of(user).theme}
        )
