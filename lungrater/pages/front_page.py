"""The first page of whoever looks after studies or the site: what needs their hand, their studies, their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery
from django.urls import reverse

from accounts.models import User
from jobs.models import Job
from jobs.tasks import job_kinds
from lungrater.monitoring.overview import AMBER, GREEN, failed_jobs, parts
from lungrater.monitoring.site_state import site_state
from lungrater.pages.waiting import is_all_rated, is_stopped_by_its_audit
from rating.models import BlindingAudit, Freeze, Recruitment, Stratum, Study
from rating.studies.sampling.strips import strips_of_studies

MOST_STUDIES = 12
MOST_JOBS = 10


@dataclass(frozen=True, slots=True)
class SiteTask:
    """Something of the site that waits for an admin, in a sentence, and where to do it."""

    sentence: str
    url: str
    state: str = AMBER


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A study with what comes next, some of the images behind it, and what its card says at the right."""

    study: Any
    next_step: str
    images: list[UUID]


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job of this person's own that is under way, or has stopped."""

    kind: str
    url: str
    job: Job


def admin_tasks() -> Iterator[SiteTask]:
    """What an admin has to see to: parts that are not well, failed jobs, people who wait."""
    health = reverse("health")
    for part in parts(site_state()):
        is_idle_queue = part.name.startswith("Queue") and part.state == AMBER
        if part.state != GREEN and not is_idle_queue:
            yield SiteTask(f"{part.name}: {part.sentence}", health, part.state)
    if failed := len(failed_jobs()):
        yield SiteTask(f"{failed} job{'s' if failed > 1 else ''} failed in the last week.", health)
    if waiting := User.objects.filter(erased_at=None, is_active=True, last_login=None).count():
        verb = "people have" if waiting > 1 else "person has"
        yield SiteTask(
            f"{waiting} {verb} been invited and never signed in.", reverse("people") + "?state=invited"
        )


def studies_of(person: Any) -> list[StudyLine]:
    """The latest studies this person has a part in, each with its next step."""
    studies = Study.objects.visible_to(person).listed().with_progress()
    studies = studies.select_related("unblinding_asked_by").order_by("-created_at")
    audits = BlindingAudit.objects.filter(study=OuterRef("pk"))  # the newest first, and that one counts
    latest = list(
        studies.annotate(
            audit_verdict=Subquery(audits.values("verdict")[:1]),
            audit_overridden_at=Subquery(audits.values("overridden_at")[:1]),
            recruits=Exists(Recruitment.objects.filter(study=OuterRef("pk"), is_open=True)),
            has_images=Exists(Stratum.objects.filter(study=OuterRef("pk"))),
            is_freezing=Exists(Freeze.objects.unfinished().filter(study=OuterRef("pk"))),
            is_editable=Exists(Study.objects.editable_by(person).filter(pk=OuterRef("pk"))),
        )[:MOST_STUDIES]
    )
    images = strips_of_studies(latest, person)
    return [StudyLine(study, next_step(study), images.get(study.pk, [])) for study in latest]


def next_step(study: Any) -> str:
    """Of a study with its progress: what has to happen next, by whomever has the part for it."""
    if study.state == Study.State.OPEN:
        return _next_step_of_open(study)
    if study.state == Study.State.FROZEN and is_stopped_by_its_audit(study):
        return "Its blinding audit is red: read why, it cannot be opened as it is"
    if study.state == Study.State.FROZEN and not study.rater_count:
        return "Look at the blinding audit, invite raters, then open it"
    if study.state == Study.State.CLOSED and study.unblinding_asked_by_id:
        return "A second person confirms or refuses to unblind it"
    steps = {
        Study.State.DRAFT: _next_step_of_draft(study),
        Study.State.FROZEN: "Look at the blinding audit, then open it",
        Study.State.CLOSED: "Unblind it, or read how raters agree",
        Study.State.UNBLINDED: "Read the results",
    }
    return steps[Study.State(study.state)]


def _next_step_of_draft(study: Any) -> str:
    if getattr(study, "is_freezing", False):
        return "Wait: it is being frozen"
    if getattr(study, "has_images", False):
        return "Freeze it" if study.rater_count else "Freeze it, then invite raters"
    return "Choose its images, invite raters, freeze it"


def _next_step_of_open(study: Any) -> str:
    if not study.rater_count:
        return "Invite raters"
    if not is_all_rated(study):
        return f"Raters are at work: {study.rated_count} of {study.presentation_count} rated"
    if getattr(study, "recruits", False):
        return f"All who came have finished: {study.rated_count} ratings, and the link is open"
    return "All is rated: close it"


def jobs_of(person: Any) -> list[JobLine]:
    """What this person has asked for and is not finished, newest first."""
    lines = [
        JobLine(str(kind._meta.verbose_name).capitalize(), getattr(job, "get_absolute_url", str)(), job)
        for kind in job_kinds()
        for job in kind.objects.unfinished().filter(requested_by=person.pk)[:MOST_JOBS]
    ]
    return sorted(lines, key=lambda line: line.job.created_at, reverse=True)[:MOST_JOBS]
