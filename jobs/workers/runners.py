"""Which function does the work of which kind of job: a row names its task, the task's module registers the runner."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from jobs.models import Job

Runner = Callable[[Any], None]
_runners: dict[type[Job], str] = {}


def register(kind: type[Job], runner: str) -> None:
    """Let `runner` do every job of this kind: commit each piece, beat between pieces, make only what is missing.

    It is named by module and function and loaded by its first job: what reads DICOM or computes statistics costs a worker
    a second and 100 MB, and most never meet all kinds.
    """
    _runners[kind] = runner


def runner_of(kind: type[Job]) -> Runner:
    """The kind's runner; the module of its task, which registers it, is loaded first."""
    if kind not in _runners:
        import_module(kind.task.rpartition(".")[0])
    runner: Runner = import_string(_runners[kind])
    return runner
