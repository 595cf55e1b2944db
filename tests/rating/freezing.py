"""Freezes of studies that many tests make alike: the real job, but for an audit that has examined the very same before."""

from __future__ import annotations

from collections.abc import Hashable
from unittest.mock import patch

from pool.models import Image
from rating.blinding.examination import Beat, examine
from rating.blinding.findings import Finding
from rating.models import Enrolment, Freeze, Study

EXAMINED: dict[Hashable, list[Finding]] = {}


def freeze(study: Study, *likeness: Hashable) -> None:
    """What the audit reads are images by their seed, so that studies of the same likeness, with as many images and raters
    beside them, are examined once in a process. Tests of the audit itself perform a freeze of their own.
    """
    enrolled = Enrolment.objects.filter(study=study).count()
    key = (*likeness, enrolled, Image.objects.count(), Study.objects.count())

    def examined(frozen: Study, beat: Beat) -> list[Finding]:
        if key not in EXAMINED:
            EXAMINED[key] = examine(frozen, beat)
        return EXAMINED[key]

    job = Freeze.objects.create(study=study)
    with patch("rating.blinding.audit_runner.examine", examined):
        job.perform()
    assert job.state == Freeze.State.SUCCEEDED, job.error
    study.refresh_from_db()
