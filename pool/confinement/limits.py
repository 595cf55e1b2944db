"""A child's own limits: how much memory it may take, and that it writes no file and leaves no core."""

from __future__ import annotations

import resource
import sys


def limit(memory: int) -> None:
    """Limit this process for good: its address space to so many bytes, files and cores to none."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError) as error:
            # macOS does not know every limit; the time limit and the checks of the headers still hold.
            print(f"a limit could not be set: {error}", file=sys.stderr)
