"""Another window for a dataset."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from pool.models import Dataset
from pool.rendering.forms import WindowForm


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("pool.add_image", raise_exception=True)
def dataset_window(request: HttpRequest, pk: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    form = WindowForm(request.POST or None, dataset=dataset)
    if request.method == "POST" and form.is_valid():
        return redirect(form.submit(by=request.user))
    freely = dataset.images.shown_freely()
    context = {
        "dataset": dataset,
        "form": form,
        "images": freely.count(),
        "with_values": freely.with_values().count(),
    }
    return render(request, "pool/window.html", context, status=422 if form.errors else 200)
