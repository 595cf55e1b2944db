"""What a wheel carries besides the packages: the folders at the top that the site is served from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The folder of a checkout, and its place in the wheel (`PACKAGED` in lungrater/settings.py).
RESOURCES = {
    "templates": "lungrater/resources/templates",
    "static": "lungrater/resources/static",
    "locale": "lungrater/resources/locale",
}
# Built by `make docs`; a wheel without them serves no /docs/.
IF_BUILT = {"build/docs": "lungrater/resources/docs"}


class ResourcesHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # a checkout is served from where it lies
        folders = {
            **RESOURCES,
            **{ours: place for ours, place in IF_BUILT.items() if self._at_top(ours).is_dir()},
        }
        build_data["force_include"].update(
            {str(self._at_top(ours)): place for ours, place in folders.items()}
        )

    def _at_top(self, folder: str) -> Path:
        return Path(self.root) / folder
