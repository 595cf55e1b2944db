"""Words that somebody who knows this house tries first: a password may hold them, but not be made of them."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.site_settings import SiteSettings

# Listed in docs/sign-in.md too; the site's own name and hosts come on top.
WORDS = frozenset(
    {
        *("lungrater", "lung", "lungs", "rater", "rating", "reader", "reading", "study", "image", "images"),
        *("radiology", "radiologist", "radiologie", "radiologe", "hospital", "clinic", "klinik", "klinikum"),
        *("thorax", "chest", "xray", "password", "passwort", "secret", "admin", "researcher", "welcome"),
    }
)
LEAST_LEFT = 8


class HouseWordsValidator:
    """Refuses a password of which fewer than eight characters are left without these words, digits and signs."""

    def validate(self, password: str, user: Any = None) -> None:
        rest = password.casefold()
        for word in sorted(WORDS | house_words(), key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(re.sub(r"[\W\d_]", "", rest)) < LEAST_LEFT and rest != password.casefold():
            raise ValidationError(self.get_help_text(), code="password_of_the_house")

    def get_help_text(self) -> str:
        return _(
            "Your password can’t be made of words that are to be expected here, such as the site’s name."
        )


def house_words() -> set[str]:
    """The words of the site's name and of the hosts it answers to, from four letters on."""
    texts = (SiteSettings.current().name, *settings.ALLOWED_HOSTS)
    return {word for text in texts for word in re.findall(r"[^\W\d_]{4,}", text.casefold())}
