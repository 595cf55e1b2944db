"""One typed reader of the environment; a secret may also stand in the file that `X_FILE` names."""

from __future__ import annotations

import os
from pathlib import Path

import environ

env = environ.FileAwareEnv()


def home() -> Path:
    """The folder that holds everything LungRater writes."""
    return Path(os.environ.get("LUNGRATER_HOME", "var")).absolute()
