"""The links beside the pages of researchers and admins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.preferences import Preferences

GENERATION = "generation.view_generationjob"
SITE = "accounts.view_user"
GROUPS = (
    ("", (("home", "home", "Home", ""), ("rating:studies", "study", "Studies", "rating.view_study"))),
    (
        "Pool",
        (
            ("pool:gallery", "image", "Images", "pool.view_image"),
            ("pool:datasets", "dataset", "Datasets", "pool.view_image"),
            ("pool:held_files", "release", "Release desk", "pool.change_image"),
        ),
    ),
    (
        "Make",
        (
            ("generation:job_list", "make", "Generation", GENERATION),
            ("generation:training_list", "train", "Training", GENERATION),
        ),
    ),
    (
        "Measure",
        (
            ("generation:quality_list", "quality", "Quality", GENERATION),
            ("generation:utility_list", "utility", "Utility", GENERATION),
        ),
    ),
    (
        "Site",
        (
            ("health", "health", "Health", SITE),
            ("people", "people", "People", SITE),
            ("log", "log", "Log", SITE),
            ("pool:dicomweb_sources", "dataset", "DICOMweb", "pool.change_dicomwebsource"),
            ("site_settings", "settings", "Settings", "accounts.change_sitesettings"),
            ("docs", "file", "Documentation", "rating.view_study"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    icon: str
    title: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    links: list[Link]


def frame(request: HttpRequest) -> dict[str, object]:
    """The rail and the colours of whoever looks; read only where a template names them."""
    return {
        "rail": SimpleLazyObject(lambda: list(rail(request))),
        "theme": SimpleLazyObject(lambda: theme(request)),
    }


def rail(request: HttpRequest) -> Iterator[Group]:
    """What this person may open; nothing for raters, whose few links stand above the page."""
    if not request.user.has_perm("rating.view_study"):
        return
    built = settings.DOCS_DIR.is_dir()
    addresses = {name: reverse(name) for _, links in GROUPS for name, *_ in links if built or name != "docs"}
    # The longest address that the page lies under: /generation/training/7/ belongs to Training, not to Generation.
    under = [url for url in addresses.values() if url != "/" and request.path.startswith(url)]
    current = max(under, key=len, default=request.path)
    for title, links in GROUPS:
        allowed = [
            Link(addresses[name], icon, words, addresses[name] == current)
            for name, icon, words, permission in links
            if name in addresses and (not permission or request.user.has_perm(permission))
        ]
        if allowed:
            yield Group(title, allowed)


def theme(request: HttpRequest) -> str:
    """The person's choice; as the system is, before anybody has signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Preferences.Theme.AUTO.value
    return preferences_of(request).theme


def preferences_of(request: HttpRequest) -> Preferences:
    """Those of whoever has signed in, read once a request."""
    own: Preferences | None = getattr(request, "preferences", None)
    if own is None:
        own = request.preferences = Preferences.of(request.user)  # type: ignore[attr-defined]  # as `PageLanguage` does
    return own
