"""What waits for a person who looks after studies and images: each in a sentence, with the act that frees it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from generation.images.outcomes import GeneratedImage
from jobs.models import Job
from jobs.tasks import job_kinds
from pool.imports.outcome_rows import FileOutcome
from rating.models import Enrolment, Study
from rating.results.display_names import counted
from rating.studies.stepper import pace

RECENT = timedelta(days=7)
MOST = 8  # of each kind of job
WARN = "warn"


@dataclass(frozen=True, slots=True)
class Task:
    """What waits, what is known of it, and the words and address of the act."""

    title: str
    detail: str
    act: str
    url: str
    icon: str = "study"
    tone: str = ""


def waiting_for(person: Any, studies: Iterable[Any]) -> list[Task]:
    """Of these studies of theirs, with progress and audit, and of their own jobs, studies first."""
    # The job of one that is being frozen stands among those under way.
    mine = [study for study in studies if study.is_editable and not study.is_freezing]
    return [*_studies(mine, person), *_unreviewed(person), *_refused(person), *_failed(person)]


def _studies(studies: list[Any], person: Any) -> Iterator[Task]:
    quiet = _quiet_raters([study for study in studies if study.state == Study.State.OPEN])
    for study in studies:
        yield from _of_study(study, quiet[study.pk], person)


def _of_study(study: Any, quiet: list[str], person: Any) -> Iterator[Task]:
    page = study.get_absolute_url()
    if study.state == Study.State.DRAFT and study.has_images:
        yield Task(f"“{study}” is a draft", "Its images are chosen: freeze it.", "Go on", page, "edit")
    elif study.state == Study.State.DRAFT:
        yield Task(
            f"“{study}” is a draft",
            "Choose its images, invite raters, freeze it.",
            "Go on",
            reverse("rating:edit", args=[study.slug]),
            "edit",
        )
    elif study.state == Study.State.FROZEN and is_stopped_by_its_audit(study):
        yield Task(
            f"“{study}” cannot be opened as it is",
            "Its blinding audit is red.",
            "Read why",
            page,
            "warn",
            WARN,
        )
    elif study.state == Study.State.FROZEN and study.rater_count:
        raters = counted(study.rater_count, "rater")
        yield Task(
            f"“{study}” is ready to open",
            f"{raters} invited; look at its blinding audit first.",
            "Open …",
            page,
        )
    elif not study.rater_count and study.state in {Study.State.FROZEN, Study.State.OPEN}:
        # As `filled_by` says, of a study that is editable: where only pseudonyms are seen, an admin invites.
        if not study.pseudonyms_only or person.has_perm("accounts.change_user"):
            act, url = "Invite", reverse("invite", args=[study.slug])
        else:
            act, url = "Look", page
        yield Task(f"“{study}” has no rater", "Nobody is invited yet.", act, url, "people")
    elif study.state == Study.State.OPEN and not study.recruits and is_all_rated(study):
        yield Task(f"All of “{study}” is rated", f"{study.rated_count} ratings.", "Close …", page, "check")
    elif study.state == Study.State.CLOSED:
        yield from _of_closed_study(study, person)
    if quiet:
        who = ", ".join(quiet[:3]) + (f" and {len(quiet) - 3} more" if len(quiet) > 3 else "")
        verb = "has" if len(quiet) == 1 else "have"
        raters = reverse("rating:raters", args=[study.slug])
        yield Task(f"{who} {verb} not rated for three days", f"“{study}”", "Look", raters, "clock", WARN)


def _of_closed_study(study: Any, person: Any) -> Iterator[Task]:
    """Of one that this person has asked to unblind, nothing: another one's turn it is."""
    page = study.get_absolute_url()
    if study.unblinding_asked_by_id is None:
        detail = "Read how raters agree, or unblind it: which images are real is told only then."
        yield Task(f"“{study}” is closed", detail, "Unblind …", page, "lock")
    elif study.unblinding_asked_by_id != person.pk:
        title = f"“{study}” waits for a second person to unblind it"
        detail = f"{study.unblinding_asked_by} has asked: “{study.unblinding_reason}”. Confirm or refuse."
        yield Task(title, detail, "Look …", page, "lock")


def is_all_rated(study: Any) -> bool:
    """Of a study with its progress."""
    return bool(study.rated_count >= study.presentation_count)


def is_stopped_by_its_audit(study: Any) -> bool:
    """Of a study with its newest audit annotated; False where that was not asked for."""
    verdict = getattr(study, "audit_verdict", "")
    return bool(verdict == "red" and study.audit_overridden_at is None)


def _quiet_raters(studies: list[Any]) -> defaultdict[int, list[str]]:
    """By study, the pseudonyms of those who began and have rated nothing for days."""
    people = Enrolment.objects.filter(study__in=studies, withdrawn_at=None, machine="").with_progress()
    quiet: defaultdict[int, list[str]] = defaultdict(list)
    now = timezone.now()
    for enrolment in people.order_by("number") if studies else ():
        if pace(enrolment, now) == "quiet":
            quiet[enrolment.study_id].append(enrolment.pseudonym)
    return quiet


def _unreviewed(person: Any) -> Iterator[Task]:
    recent = Q(
        job__requested_by=person.pk,
        job__state=Job.State.SUCCEEDED,
        job__finished_at__gte=timezone.now() - RECENT,
    )
    rows = GeneratedImage.objects.unreviewed().filter(recent).select_related(None).order_by("-job")
    for job, count in rows.values_list("job").annotate(count=Count("pk"))[:MOST]:
        title = f"{counted(count, 'new image')} to look at"
        yield Task(
            title, f"Made by generation {job}.", "Review", reverse("generation:review", args=[job]), "image"
        )


def _refused(person: Any) -> Iterator[Task]:
    recent = Q(job__requested_by=person.pk, job__finished_at__gte=timezone.now() - RECENT)
    rows = FileOutcome.objects.refused().of_files().filter(recent).order_by("-job")
    by_job = rows.values_list("job", "job__dataset__name").annotate(count=Count("pk"))
    for job, dataset, count in by_job[:MOST]:
        verb = "was" if count == 1 else "were"
        page = reverse("pool:import", args=[job])
        yield Task(
            f"{counted(count, 'file')} {verb} refused",
            f"Import into “{dataset}”.",
            "See why",
            page,
            "warn",
            WARN,
        )


def _failed(person: Any) -> Iterator[Task]:
    since = timezone.now() - RECENT
    for kind in job_kinds():
        name = str(kind._meta.verbose_name).capitalize()
        failed = kind.objects.filter(requested_by=person.pk, state=Job.State.FAILED, finished_at__gte=since)
        for job in failed.order_by("-finished_at")[:MOST]:
            detail = job.error.splitlines()[0][:160] if job.error else ""
            yield Task(f"{name} {job.pk} failed", detail, "See why", job.get_absolute_url(), "stop", WARN)
