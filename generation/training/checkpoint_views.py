"""A checkpoint's model card and images, and a run's course as figure and table."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import ReasonForm
from generation.diffusion.errors import CheckpointError
from generation.training import fidelity_figure
from generation.training.exchange.pipeline_export import exported_files, write_zip
from generation.training.forms import NameForm
from generation.training.loss_figure import loss_by_step
from generation.training.model_card import markdown, sections
from generation.training.models import Checkpoint, TrainingRun
from generation.training.run_history import Course, loss_curve
from jobs.views import Context
from pool.figure_style import as_file, theme_of
from pool.models import Image
from pool.registers.fool_rates_by_dataset import fool_rates, of_checkpoint
from pool.storage.stored_files import stored_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOR_GOOD = "private, max-age=31536000, immutable"
OF_A_DRAWING = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # its own styles; it runs nothing
MOST_MATCHES = 8

may_view = permission_required("generation.view_trainingrun", raise_exception=True)
may_change = permission_required("generation.change_trainingrun", raise_exception=True)


@require_safe
@may_view
def checkpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """The model card."""
    row = get_object_or_404(Checkpoint.objects.visible_to(request.user).select_related("run__dataset"), pk=pk)
    context = {
        "checkpoint": row,
        "sections": sections(row),
        "matches": _matches(row),
        "may_rename": Checkpoint.objects.editable_by(request.user).filter(pk=pk).exists(),
        "is_own": Checkpoint.objects.owned_by(request.user).filter(pk=pk).exists(),
        "reason_form": ReasonForm(),
        "owners": row.owners() if row.run is None else [],
        "judged": fool_rates().get(of_checkpoint(row.sha256), []),
    }
    return render(request, "generation/checkpoint.html", context)


@require_POST
@may_change
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a checkpoint a name of its own."""
    row = get_object_or_404(Checkpoint.objects.editable_by(request.user), pk=pk)
    form = NameForm(request.POST)
    if form.is_valid():
        form.rename(row, by=request.user)
    else:
        messages.error(request, " ".join(map(str, form.errors["name"])))
    return redirect(row)


def _matches(row: Checkpoint) -> list[Context]:
    """The most suspicious images in the order of the sheet, with the training images that are still here."""
    nearest = row.metrics.get("memorisation", {}).get("nearest", [])[:MOST_MATCHES]
    names = {match.get(key) for match in nearest for key in ("training_by_pixels", "training_by_features")}
    training_rows = Image.objects.in_bulk([name for name in names if name])
    images = {str(pk): image for pk, image in training_rows.items()}
    return [
        {
            **match,
            "pixel_image": images.get(match.get("training_by_pixels", "")),
            "feature_image": images.get(match.get("training_by_features", "")),
        }
        for match in nearest
    ]


@require_safe
@may_view
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """The model card as a Markdown file."""
    row = get_object_or_404(Checkpoint.objects.visible_to(request.user).select_related("run__dataset"), pk=pk)
    name = f"model-card-{row.sha256[:12]}.md"
    return HttpResponse(
        markdown(row),
        content_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
@may_view
def pipeline_zip(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The model as a diffusers pipeline folder in a zip; back to its card with a sentence where that cannot be."""
    row = get_object_or_404(Checkpoint.objects.visible_to(request.user).select_related("run__dataset"), pk=pk)
    try:
        return zip_response(row)
    except CheckpointError as error:
        messages.error(request, str(error))
        return redirect(row)


def zip_response(row: Checkpoint) -> FileResponse:
    """The zip of a checkpoint's pipeline folder. Raises CheckpointError where there can be none."""
    archive: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    name = f"model-{row.sha256[:12]}"
    try:
        with exported_files(row) as files:
            write_zip(files, archive, name=name)
    except CheckpointError:
        archive.close()
        raise
    archive.seek(0)
    return FileResponse(archive, as_attachment=True, filename=f"{name}.zip", content_type="application/zip")


@require_safe
@may_view
def samples(request: HttpRequest, pk: int) -> HttpResponse:
    """The strip of sample images of a checkpoint."""
    return _image(get_object_or_404(Checkpoint.objects.visible_to(request.user), pk=pk).samples)


@require_safe
@may_view
def grid(request: HttpRequest, pk: int) -> HttpResponse:
    """Images of fixed seeds in a square, the same seeds at every checkpoint."""
    return _image(get_object_or_404(Checkpoint.objects.visible_to(request.user), pk=pk).grid)


@require_safe
@may_view
def neighbours(request: HttpRequest, pk: int) -> HttpResponse:
    """The most suspicious images beside the training images they are nearest to."""
    return _image(get_object_or_404(Checkpoint.objects.visible_to(request.user), pk=pk).neighbours)


def _image(file: FieldFile) -> HttpResponse:
    if not file:
        raise Http404
    png = stored_bytes(file, f"a drawing of {file.instance}")
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": FOR_GOOD})


@require_safe
@may_view
def course_figure(request: HttpRequest, pk: int) -> HttpResponse:
    """The distances by step as SVG, by the site's extractor or by that of the number `?by`; `?print` for paper."""
    course = Course.of(get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk))
    place = request.GET.get("by", "0")
    if not place.isdecimal() or int(place) >= len(course.curves):
        raise Http404
    curve, theme = course.curves[int(place)], theme_of(request.GET)
    drawing = fidelity_figure.by_step(curve.points, curve.measured.floor, theme, curve.measured.extractor)
    return _drawing(request, drawing, "fidelity")


@require_safe
@may_view
def loss_figure(request: HttpRequest, pk: int) -> HttpResponse:
    """The loss by step as SVG; `?print` for paper."""
    run: TrainingRun = get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk)
    curve = loss_curve(run)
    if curve is None:
        raise Http404
    theme = theme_of(request.GET)
    return _drawing(request, loss_by_step(curve, theme), "loss")


def _drawing(request: HttpRequest, figure: Figure, name: str) -> HttpResponse:
    svg = as_file(figure, "svg")
    response = HttpResponse(svg, content_type="image/svg+xml", headers={"Cache-Control": "private, no-cache"})
    response["Content-Security-Policy"] = OF_A_DRAWING
    if "print" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{name}.svg"'
    return response


@require_safe
@may_view
def course_table(request: HttpRequest, pk: int) -> HttpResponse:
    """Loss and distances by step as CSV."""
    run = get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=pk)
    return HttpResponse(
        fidelity_figure.table(run),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="training-{pk}.csv"'},
    )
