"""Looking at what was made: keep or leave out by keyboard, contact sheets, two jobs side by side."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from generation.images.contact_sheet import PER_SHEET, contact_sheet
from generation.images.models import GenerationJob, Outcome
from generation.images.outcomes import GeneratedImage
from generation.images.views import may_view
from jobs.views import Context
from pool.choices import for_person

REASONS = ("text in the image", "broken anatomy", "duplicate", "not the modality", "poor quality")
PAIRS = 30

may_review = permission_required("pool.change_image", raise_exception=True)


class ReviewForm(forms.Form):
    index = forms.IntegerField(min_value=0)
    decision = forms.ChoiceField(choices=[("keep", "keep"), ("leave_out", "leave out")])
    reason = forms.CharField(max_length=200, required=False)
    other_reason = forms.CharField(max_length=200, required=False)

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        self.why = data.get("other_reason") or data.get("reason") or ""
        if data.get("decision") == "leave_out" and not self.why:
            self.add_error("other_reason", "Say why it is left out.")

    def decide(self, looked_at: GeneratedImage, *, by: Any) -> None:
        left_out = self.cleaned_data["decision"] == "leave_out"
        looked_at.review(by=by, leave_out_for=self.why if left_out else "")


@require_http_methods(["GET", "HEAD", "POST"])
@may_review
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One image of a job at a time; after a decision, the next that nobody has looked at."""
    job = get_object_or_404(GenerationJob.objects.editable_by(request.user), pk=pk)
    form = ReviewForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        looked_at = get_object_or_404(job.outcomes.with_image(), index=form.cleaned_data["index"])
        form.decide(looked_at, by=request.user)
        return redirect(f"{reverse('generation:review', args=[pk])}?after={looked_at.index}")
    context = {
        "job": job,
        "form": form,
        "reasons": list(enumerate(REASONS, start=1)),
        **_context(request, job),
    }
    return render(request, "generation/review.html", context, status=422 if form else 200)


def _context(request: HttpRequest, job: GenerationJob) -> Context:
    """The image asked for by `index`, else the first nobody has looked at, those past `after` first."""
    with_image, fresh = job.outcomes.with_image(), job.outcomes.unreviewed()
    index, after = request.GET.get("index", request.POST.get("index", "")), request.GET.get("after", "")
    current: GeneratedImage | None = None
    if index.isdecimal():
        current = with_image.filter(index=int(index)).first()
    elif after.isdecimal():
        current = fresh.filter(index__gt=int(after)).first()
    if current is None and not index:
        current = fresh.first()
    remaining = fresh.count()
    context: Context = {
        "shown": current,
        "left": remaining,
        "number": with_image.count(),
        "seen": with_image.count() - remaining,
    }
    if current is not None:
        context["before"] = with_image.filter(index__lt=current.index).last()
        context["next"] = with_image.filter(index__gt=current.index).first()
    return context


@require_safe
@may_view
def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """A PNG of up to a hundred of a job's images, each with its number."""
    outcomes = get_object_or_404(GenerationJob.objects.visible_to(request.user), pk=pk).outcomes.with_image()
    page = Paginator(outcomes, PER_SHEET).get_page(request.GET.get("page"))
    name = f"job-{pk}-sheet-{page.number}.png"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(contact_sheet(list(page)), content_type="image/png", headers=headers)


class CompareForm(forms.Form):
    left = forms.ModelChoiceField(GenerationJob.objects.none())
    right = forms.ModelChoiceField(GenerationJob.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        images = GeneratedImage.objects.filter(job=OuterRef("pk"), outcome=Outcome.MADE)
        jobs = GenerationJob.objects.filter(Exists(images))
        for field in self.fields.values():
            field.queryset = jobs.select_related("dataset", "checkpoint")  # type: ignore[attr-defined]  # they are ModelChoiceFields
            field.label_from_instance = _job_and_seed  # type: ignore[attr-defined]  # a ModelChoiceField


def _job_and_seed(job: GenerationJob) -> str:
    seed = "" if job.engine == GenerationJob.Engine.OPENAI else f", seed {job.seed}"
    return f"{job.pk}: {job}{seed}"


@require_safe
@may_view
def compare(request: HttpRequest) -> HttpResponse:
    """Image k of one job beside image k of another: with one seed, the same noise by two models."""
    form = for_person(
        CompareForm(request.GET if "right" in request.GET else None, initial=request.GET.dict()), request.user
    )
    context: Context = {"form": form}
    if form.is_valid():
        left, right = form.cleaned_data["left"], form.cleaned_data["right"]
        shared = left.outcomes.with_image().filter(index__in=right.outcomes.with_image().values("index"))
        page = Paginator(shared, PAIRS).get_page(request.GET.get("page"))
        of_page = right.outcomes.with_image().filter(index__in=[outcome.index for outcome in page])
        of_right = {outcome.index: outcome for outcome in of_page}
        context["pairs"] = [(outcome, of_right[outcome.index]) for outcome in page]
        context |= {"left": left, "right": right, "page": page, "same_seed": left.seed == right.seed}
    return render(request, "generation/compare.html", context)
