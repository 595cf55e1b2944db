"""What stops a backup or a restore."""

from __future__ import annotations


class BackupError(Exception):
    """One whole sentence for the person at the terminal: what is wrong and what to do."""


class RefusedError(BackupError):
    """This file, or this target, is refused before anything was touched."""


def first_line(error: Exception) -> str:
    """What an error of somebody else's says, in one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
