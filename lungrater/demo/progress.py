"""How far the demo is: which parts of it are there, and when the others come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generation.models import GenerationJob, QualityReport, TrainingRun, UtilityExperiment
from jobs.models import Job
from lungrater.demo import build, measurements
from lungrater.demo.datasets import FAKE, MEASURED, REAL, SAMPLES
from rating.models import Study

State = Job.State
HALF, WHOLE = "half a minute", "a minute"  # bench/demo.py
ENDED_UNMADE = (State.FAILED, State.CANCELLED)
WORDS = {State.SUCCEEDED: "There", State.RUNNING: "At work", State.QUEUED: "To come"}


@dataclass(frozen=True, slots=True)
class Part:
    """Something of the demo: its name, the state of what makes it, and after how long it is there on two idle cores."""

    name: str
    state: str
    after: str

    @property
    def word(self) -> str:
        state = State(self.state)
        return WORDS.get(state, state.label)


@dataclass(frozen=True, slots=True)
class Progress:
    """The parts in the order in which they come."""

    parts: Sequence[Part]
    is_stopped: bool

    @property
    def sentence(self) -> str:
        if self.is_stopped:
            return "The demo has stopped: images for it could not be made. The next start of the site makes them again."
        there = sum(part.state == State.SUCCEEDED for part in self.parts)
        return (
            f"The demo builds itself: {there} of {len(self.parts)} parts are there. On two idle cores the open study takes "
            f"about {self.parts[0].after}, all of it about {self.parts[-1].after}."
        )


def progress() -> Progress | None:
    """Of a demo that was begun and is not all there yet; None of any other."""
    if not build.is_begun() or build.is_of_an_earlier_version():
        return None
    # Of a demo that is built, what is not there by its name any more was renamed.
    is_built = build.is_complete()
    parts = list(_parts(State.SUCCEEDED if is_built else State.QUEUED))
    if is_built and not any(part.state in {State.QUEUED, State.RUNNING} for part in parts):
        return None
    names = {demo.name for demo in REAL + FAKE + SAMPLES + MEASURED}
    stopped = GenerationJob.objects.filter(dataset__name__in=names, state__in=ENDED_UNMADE)
    return Progress(parts, stopped.exists())


def _parts(missing: str) -> Iterator[Part]:
    states = dict(
        Study.objects.filter(name__in=[build.STUDY, build.STOPPED_STUDY]).values_list("name", "state")
    )
    copies = Study.objects.filter(copy_of__name=build.STUDY, is_simulated=True)
    read = copies.order_by("pk").values_list("state", flat=True).first()
    unopened = (None, Study.State.DRAFT, Study.State.FROZEN)
    yield Part("A study that is open", _of_study(states.get(build.STUDY), unopened), HALF)
    yield Part(
        "The same study, read by simulated raters",
        _of_study(read, (*unopened, Study.State.OPEN, Study.State.CLOSED)),
        HALF,
    )
    yield Part(
        "A study that its audit stops",
        _of_study(states.get(build.STOPPED_STUDY), unopened[:2]),
        WHOLE,
    )
    jobs = (
        ("A training run", TrainingRun.objects.filter(name=measurements.MODEL)),
        ("A quality report", QualityReport.objects.filter(candidate__name=MEASURED[1].name)),
        ("A utility experiment", UtilityExperiment.objects.filter(name=measurements.EXPERIMENT)),
    )
    for name, rows in jobs:
        state = rows.order_by("pk").values_list("state", flat=True).first()
        yield Part(name, state or missing, WHOLE)


def _of_study(state: str | None, unmade: Sequence[str | None]) -> str:
    """As a job that makes it would say."""
    if state not in unmade:
        return State.SUCCEEDED
    return State.RUNNING if state else State.QUEUED
