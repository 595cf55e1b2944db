"""The release desk: what waits, one held file after another with its image, and what a person decides of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pool.canonical.pixels import RefusedImageError, decode_png, encode_png, to_8bit
from pool.looks import note_look
from pool.models import HeldFile
from pool.release.desk import AlreadyDecidedError, readmit
from pool.release.forms import DecisionForm, DeskFilterForm, DiscardSeveralForm
from pool.storage.insertion import DuplicatePixelsError
from pool.storage.stored_files import stored_bytes

PER_PAGE = 24

may_release = permission_required("pool.change_image", raise_exception=True)


@require_safe
@may_release
def held_files(request: HttpRequest) -> HttpResponse:
    form = DeskFilterForm(request.GET, person=request.user)
    rows = HeldFile.objects.editable_by(request.user).filter(**form.chosen()).select_related("dataset")
    context = {
        "form": form,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "discard_form": DiscardSeveralForm(person=request.user),
        "days": settings.HELD_FILE_DAYS,
        "is_waiting": form.chosen()["state"] == HeldFile.State.WAITING,
        "is_discarded": form.chosen()["state"] == HeldFile.State.DISCARDED,
    }
    return render(request, "pool/held_files.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@may_release
def held_file(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    editable = HeldFile.objects.editable_by(request.user)
    row = get_object_or_404(editable.select_related("dataset", "decided_by", "image"), pk=pk)
    note_look(row, request.user, "held file")
    form = DecisionForm(request.POST or None, held_file=row)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, form.decide(by=request.user))
            following = editable.waiting().filter(dataset=row.dataset).first()
            return redirect(following or "pool:held_files")
        except (AlreadyDecidedError, DuplicatePixelsError, RefusedImageError) as error:
            form.add_error(None, str(error))
    context = {
        "held_file": row,
        "form": form,
        "waiting": editable.waiting().filter(dataset=row.dataset).count(),
    }
    return render(request, "pool/held_file.html", context, status=422 if form.errors else 200)


@require_safe
@may_release
def held_image(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Its pixels in eight bits; nobody keeps a copy, since they may show what must not leave."""
    row = get_object_or_404(HeldFile.objects.editable_by(request.user).waiting(), pk=pk)
    return HttpResponse(
        eight_bit_png(row),
        content_type="image/png",
        headers={"Cache-Control": "private, no-store"},
    )


def eight_bit_png(row: HeldFile) -> bytes:
    """What a person looks at before deciding of it."""
    return encode_png(to_8bit(decode_png(stored_bytes(row.file, f"the held file “{row.source_name}”"))))


@require_POST
@may_release
def discard_held_files(request: HttpRequest) -> HttpResponse:
    form = DiscardSeveralForm(request.POST, person=request.user)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("pool:held_files")
    discards = form.discard_all(by=request.user)
    if number := len(discards.discarded):
        messages.success(request, f"{number} held file{'' if number == 1 else 's'} discarded.")
    for held_file in discards.decided_before:
        messages.error(request, str(AlreadyDecidedError(held_file)))
    return redirect("pool:held_files")


@require_POST
@may_release
def readmit_held_file(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(HeldFile.objects.editable_by(request.user).discarded(), pk=pk)
    readmit(row, by=request.user)
    messages.success(request, f"“{row.source_name}” is held again when it is imported again.")
    return redirect("pool:held_files")
