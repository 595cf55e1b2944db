"""The pages of the documentation that are made from code; a test holds each against it.

`python -m bench.reference` says which are out of date, `--write` writes them.
"""

from __future__ import annotations

from pathlib import Path

from bench.reference import (
    bundle,
    checklists,
    commands,
    environment,
    events,
    library,
    operations,
    plans,
    ratings,
    settings,
    site_pages,
)
from bench.reference.markdown import in_place, page

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "reference"
# Pages written by hand with a plan drawn into them: the name of its place, and what draws it.
PLANS = {"house.md": ("house", plans.house), "hospital-it/index.md": ("data flow", plans.data_flow)}


def pages() -> dict[str, str]:
    """The text of each page by its path, seen from docs/reference."""
    made = {
        "commands.md": page("Commands", commands.INTRO, commands.commands()),
        "environment.md": page("Environment", environment.INTRO, environment.environment()),
        "settings.md": page("Settings of the site", settings.INTRO, settings.settings_of_the_site()),
        "pages.md": page("Pages", site_pages.INTRO, site_pages.pages_of_the_site()),
        "ratings-csv.md": page("Ratings CSV", ratings.INTRO, ratings.ratings_csv()),
        "bundle.md": page("Bundle", bundle.INTRO, bundle.bundle()),
        "events.md": page("Events", events.INTRO, events.events()),
        "checklists.md": page("Checklists", checklists.INTRO, checklists.checklists()),
        "statistics.md": page("Statistics as a library", library.INTRO, library.statistics()),
        "api-operations.md": page("API operations", operations.INTRO, operations.operations()),
    }
    drawn = {
        f"../{name}": in_place((DOCS / name).read_text(encoding="utf-8"), place, draw())
        for name, (place, draw) in PLANS.items()
    }
    return made | drawn
