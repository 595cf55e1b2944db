"""The gallery, one image, and the images in them."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from pool.canonical.previews import image_png, thumbnail_png
from pool.corrections.forms import CorrectionForm
from pool.imports.forms import ExcludeForm, FilterForm
from pool.looks import note_look
from pool.models import Dataset, Image

PER_PAGE = 60
# An image's pixels never change under its key; shared caches must not keep what only some may see.
FOR_GOOD = "private, max-age=31536000, immutable"

may_view = permission_required("pool.view_image", raise_exception=True)
may_change = permission_required("pool.change_image", raise_exception=True)


@require_safe
@may_view
def gallery(request: HttpRequest) -> HttpResponse:
    form = FilterForm(request.GET, person=request.user)
    return _gallery(request, form, CorrectionForm(listed=form.images(), by=request.user))


@require_POST
@may_change
def correct_images(request: HttpRequest) -> HttpResponse:
    """One value for the images ticked in the gallery, or for all that its filter (the query) lists."""
    form = FilterForm(request.GET, person=request.user)
    correction_form = CorrectionForm(request.POST, listed=form.images(), by=request.user)
    if not correction_form.is_valid():
        return _gallery(request, form, correction_form, status=422)
    corrected = correction_form.submit()
    messages.success(request, corrected.in_words)
    if corrected.correction is None:
        return redirect(f"{reverse('pool:gallery')}?{request.GET.urlencode()}")
    return redirect(corrected.correction)


def _gallery(
    request: HttpRequest, form: FilterForm, correction_form: CorrectionForm, *, status: int = 200
) -> HttpResponse:
    note_look(None, request.user, "gallery")
    images = form.images().select_related("dataset")
    page = Paginator(images, PER_PAGE).get_page(request.GET.get("page"))
    dataset = form.cleaned_data.get("dataset")
    context = {
        "dataset": Dataset.objects.counted().get(pk=dataset.pk) if dataset else None,
        "may_edit": dataset is not None and dataset.may_edit(request.user),
        "form": form,
        "correction_form": correction_form,
        "ticked": set(correction_form["images"].value() or ()),
        "page": page,
        "pool_is_empty": not page and not Dataset.objects.visible_to(request.user).exists(),
    }
    return render(request, "pool/gallery.html", context, status=status)


@require_safe
@may_view
def image(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    image_shown = get_object_or_404(
        Image.objects.visible_to(request.user).select_related("dataset", "excluded_by"), pk=pk
    )
    note_look(image_shown, request.user, "image")
    neighbours = Image.objects.visible_to(request.user).neighbours_of(image_shown)
    return render(
        request,
        "pool/image.html",
        {
            "image": image_shown,
            "form": ExcludeForm(),
            "may_edit": image_shown.dataset.may_edit(request.user),
            "neighbours": neighbours,
            "corrections": image_shown.corrections.select_related("correction__corrected_by"),
        },
    )


@require_safe
@may_view
def thumbnail(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _png(thumbnail_png(get_object_or_404(Image.objects.visible_to(request.user), pk=pk)))


@require_safe
@may_view
def image_file(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _png(image_png(get_object_or_404(Image.objects.visible_to(request.user), pk=pk)))


@require_POST
@may_change
def exclude(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    left_out = get_object_or_404(Image.objects.editable_by(request.user), pk=pk)
    form = ExcludeForm(request.POST)
    if not form.is_valid():
        return render(request, "pool/image.html", {"image": left_out, "form": form}, status=422)
    left_out.exclude(form.cleaned_data["reason"], by=request.user)
    messages.success(request, "Left out of new studies and training.")
    return redirect(left_out)


@require_POST
@may_change
def include(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    taken_back = get_object_or_404(Image.objects.editable_by(request.user), pk=pk)
    taken_back.include(by=request.user)
    messages.success(request, "Back in.")
    return redirect(taken_back)


def _png(data: bytes) -> HttpResponse:
    return HttpResponse(data, content_type="image/png", headers={"Cache-Control": FOR_GOOD})
