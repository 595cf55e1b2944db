"""Mending what is said of a dataset or of many images."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.models import Event
from pool.corrections.correcting import take_back
from pool.corrections.forms import CHANGED, DatasetFactsForm
from pool.models import Correction, Dataset, Image

SHOWN = 60
may_change = permission_required("pool.change_image", raise_exception=True)


@require_http_methods(["GET", "HEAD", "POST"])
@may_change
def edit_dataset(request: HttpRequest, pk: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    form = DatasetFactsForm(request.POST or None, instance=dataset)
    if request.method == "POST" and form.is_valid():
        form.save_facts(by=request.user)
        messages.success(
            request, f"“{dataset}” has been changed." if form.changed_data else "Nothing changed."
        )
        return redirect("pool:datasets")
    context = {
        "dataset": Dataset.objects.get(pk=pk),
        "form": form,
        "history": Event.objects.about(dataset).filter(action=CHANGED).order_by("-at"),
    }
    return render(request, "pool/edit_dataset.html", context, status=422 if form.errors else 200)


@require_safe
@may_change
def correction(request: HttpRequest, pk: int) -> HttpResponse:
    """What one correction changed, and the way back."""
    editable = Correction.objects.editable_by(request.user).select_related("corrected_by", "taken_back_by")
    correction_shown = get_object_or_404(editable, pk=pk)
    images = correction_shown.corrected_images.filter(image__in=Image.objects.editable_by(request.user))
    context = {
        "correction": correction_shown,
        "count": images.count(),
        "corrected_images": images.select_related("image__dataset")[:SHOWN],
    }
    return render(request, "pool/correction.html", context)


@require_POST
@may_change
def take_back_correction(request: HttpRequest, pk: int) -> HttpResponse:
    correction_meant = get_object_or_404(Correction.objects.editable_by(request.user), pk=pk)
    restored = take_back(correction_meant, by=request.user)
    messages.success(
        request, f"{restored} image{'' if restored == 1 else 's'} say again what they said before."
    )
    return redirect(correction_meant)
