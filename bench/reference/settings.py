"""The settings of a site that an admin changes on its page, beside the environment."""

from __future__ import annotations

from collections.abc import Iterator

from bench.reference.markdown import table

INTRO = (
    "What admins decide on the page **Site → Settings** (or `PATCH /api/v1/settings`), without touching the machine. Each change is an event of the site's log with the value before and after. "
    "What the machine decides stands under [environment](environment.md); what each person likes under *Preferences*, below."
)


def settings_of_the_site() -> Iterator[str]:
    from accounts.people.preferences_form import PreferencesForm
    from accounts.preferences import Preferences
    from accounts.site_settings import SiteSettings
    from accounts.site_settings_form import SECTIONS, SiteSettingsForm

    fields = SiteSettingsForm.base_fields
    for title, names in SECTIONS.items():
        yield f"## {title}"
        yield ""
        rows = (
            [f"`{name}`", str(fields[name].label), str(fields[name].help_text), _default(SiteSettings, name)]
            for name in names
        )
        yield from table(["name for programs", "on the page", "what", "default"], rows)
    yield "## Preferences of a person"
    yield ""
    rows = (
        [
            str(field.label),
            ", ".join(str(words) for _, words in getattr(field, "choices", ())),
            _default(Preferences, name),
        ]
        for name, field in PreferencesForm.base_fields.items()
    )
    yield from table(["on the page", "choices", "default"], rows)
    yield "Colours are everybody's; language, answers that move on and single keys are for raters, whose pages are translated. Without a choice of their own, people who do not rate have the system's colours."


def _default(model: type, name: str) -> str:
    value = model._meta.get_field(name).get_default()  # type: ignore[attr-defined]  # of any model
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value in ("", None, []) else f"`{value}`"
