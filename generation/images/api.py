"""Generation jobs for programs: one create for each engine, by the form of its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts.api.filling import body_of
from generation.images.forms.base import NewJobForm
from generation.images.forms.by_engine import JOB_FORMS
from generation.images.models import GenerationJob
from generation.images.views import pages
from jobs.api import JobFacts, add_create, add_job_operations
from pool.filling import filled_by

router = Router(tags=["Generation jobs"])
AT = "/generation-jobs"
Create = Callable[[HttpRequest, Any], GenerationJob]


class GenerationFacts(JobFacts):
    engine: str
    dataset_id: int
    modality: str
    label: str
    prompt: str
    seed: int
    settings: dict[str, object]


def creates(form: type[NewJobForm]) -> Create:
    def create(request: HttpRequest, body: Any) -> GenerationJob:
        """Queue images of this engine; into a dataset there is, or a new one."""
        return filled_by(request.user, form, body, changes=["dataset"]).submit(request.user)

    return create


for engine, form in JOB_FORMS.items():
    add_create(
        router,
        creates(form),
        body_of(form, f"{engine.capitalize()}Job"),
        GenerationFacts,
        at=f"{AT}/{engine}",
        name=f"create_{engine}_job",
        permission="generation.add_generationjob",
    )

# After the engines' own addresses, which would else be taken for a number.
add_job_operations(router, pages, GenerationFacts, at=AT, one="generation_job", many="generation_jobs")
