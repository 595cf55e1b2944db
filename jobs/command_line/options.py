"""What Django's parser hands a command: the value of each option by its name, of whatever type the option has."""

from __future__ import annotations

from typing import Any

Options = dict[str, Any]
