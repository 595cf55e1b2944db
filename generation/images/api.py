"""Generation jobs for programs: one create for each engine, by the form of its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.paging import paged
from accounts.api.types import Key
from accounts.tokens.models import Scope
from generation.images.forms.base import NewJobForm
from generation.images.forms.by_engine import JOB_FORMS
from generation.images.models import GenerationJob
from generation.images.outcomes import GeneratedImage
from generation.images.repeats import more_like, repeat
from generation.images.review_views import ReviewForm
from generation.images.views import pages
from jobs.api import JobFacts, add_create, add_job_operations
from pool.filling import filled_by

if TYPE_CHECKING:
    Review = Schema
else:
    Review = body_of(ReviewForm, "Review", without=("other_reason",))

router = Router(tags=["Generation jobs"])
adds = Access(Scope.WRITE, "generation.add_generationjob")
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


class GeneratedFacts(Schema):
    """What became of one image of a job; `image_id` is null where there is none, and `reason` says why."""

    index: int
    seed: int | None
    prompt: str
    outcome: Literal["made", "duplicate", "filtered", "refused", "failed"]
    reason: str
    image_id: UUID | None
    excluded_reason: str
    reviewed_at: datetime | None

    @staticmethod
    def resolve_excluded_reason(row: GeneratedImage) -> str:
        return row.image.excluded_reason if row.image else ""


@router.get(
    f"{AT}/{{pk}}/images",
    response=list[GeneratedFacts],
    auth=Access(Scope.READ, "generation.view_generationjob"),
)
@paged
def list_generated_images(request: HttpRequest, pk: Key) -> Any:
    """Every image of the job with what became of it, those that were refused or failed too."""
    job = get_object_or_404(GenerationJob.objects.visible_to(request.user), pk=pk)
    return job.outcomes.select_related("image")


@router.post(f"{AT}/{{pk}}/reviews", response=GeneratedFacts, auth=Access(Scope.WRITE, "pool.change_image"))
def review_generated_image(request: HttpRequest, pk: Key, body: Review) -> Any:
    """Keep the image of this index, or leave it out with a reason."""
    job = get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk)
    form = filled(ReviewForm, body.model_dump(exclude_unset=True))
    row = get_object_or_404(job.outcomes.with_image(), index=form.cleaned_data["index"])
    form.decide(row, by=request.user)
    return job.outcomes.with_image().get(pk=row.pk)


@router.post(f"{AT}/{{pk}}/again", response={202: GenerationFacts}, auth=adds, openapi_extra=ONCE)
@once(GenerationFacts, 202)
def repeat_generation_job(request: HttpRequest, pk: Key) -> Any:
    """The same once more, with another seed."""
    return repeat(get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk), by=request.user)


@router.post("/images/{pk}/more", response={202: GenerationFacts}, auth=adds, openapi_extra=ONCE)
@once(GenerationFacts, 202)
def more_like_image(request: HttpRequest, pk: UUID) -> Any:
    """A few more images of this one's model, prompt, finding and settings, with another seed."""
    in_reach = GeneratedImage.objects.filter(job__in=GenerationJob.objects.editable_by(request.user))
    liked = get_object_or_404(in_reach.select_related("job", "image"), image=pk)
    return more_like(liked, by=request.user)
