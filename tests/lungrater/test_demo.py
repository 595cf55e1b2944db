"""The demo, built as its two workers build it: a study that opens by itself, and what a red audit stops."""

from __future__ import annotations

import pytest

from generation.models import GenerationJob, QualityReport, TrainingRun, UtilityExperiment
from lungrater.demo import build
from rating.models import Enrolment, Study

pytestmark = [pytest.mark.walk, pytest.mark.django_db(transaction=True)]


def test_the_demo_opens_by_itself_has_a_finished_study_and_one_that_its_audit_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(build, "enqueue", lambda task, *_, **__: rung.append(task))

    build.load()
    done = [build.build(), build.build_beside()]

    assert done == [True, True]
    open_study = Study.objects.get(name=build.STUDY)
    audit = open_study.blinding_audits.first()
    assert open_study.state == Study.State.OPEN
    assert audit is not None
    assert not audit.stops_opening
    assert audit.overridden_at is None
    assert {finding["verdict"] for finding in audit.findings} == {"green"}
    finished = open_study.copies.get()
    assert (finished.is_simulated, finished.state) == (True, Study.State.UNBLINDED)
    stopped = Study.objects.get(name=build.STOPPED_STUDY)
    assert stopped.state == Study.State.FROZEN
    assert stopped.blinding_audits.get().stops_opening

    report, run, experiment = (
        model.objects.get() for model in (QualityReport, TrainingRun, UtilityExperiment)
    )
    assert {str(job.requested_by) for job in (report, run, experiment)} == {"Dana Researcher"}
    assert report.candidate.images.count() == 40
    assert (run.dataset, experiment.real) == (report.reference, report.reference)

    rows = (GenerationJob.objects.count(), Study.objects.count(), Enrolment.objects.count())
    rung.clear()
    build.load()
    assert rung == []
    assert build.build()
    assert build.build_beside()
    assert rows == (GenerationJob.objects.count(), Study.objects.count(), Enrolment.objects.count())
