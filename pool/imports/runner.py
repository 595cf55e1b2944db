"""An import at work: files that were sent, series of a PACS, or values that the pool keeps."""

from __future__ import annotations

from pool.dicomweb.runner import import_series
from pool.imports.uploads import import_uploads
from pool.models import ImportJob
from pool.rendering.rewindowing import run_rewindowing


def run_import(job: ImportJob) -> None:
    """Bring files in, fetch series, or show kept values anew."""
    if job.values_of_id is not None:
        run_rewindowing(job)
    elif job.dicomweb_series:
        import_series(job)
    else:
        import_uploads(job)
