"""What the web processes share: read once, before they part, so that each has its own copy of nothing of it."""

from __future__ import annotations

import gc

import scipy.stats
from django.urls import get_resolver

from pool.figure_style import matplotlib


def load_shared_modules() -> None:
    """All pages' code, and what draws and counts; scipy loads its parts when they are named, matplotlib when it is asked for."""
    get_resolver().check()
    scipy.stats.norm.cdf(0)
    matplotlib()
    gc.collect()
    gc.freeze()  # else the collector writes into each object that it looks at, and so parts the memory page by page
