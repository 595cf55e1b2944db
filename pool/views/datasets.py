"""The list of datasets, and taking one out again."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from pool.dataset_removal import StillNeeded, remove
from pool.fool_rates_by_dataset import fool_rates, of_dataset
from pool.models import Dataset


@require_safe
@permission_required("pool.view_image", raise_exception=True)
def datasets(request: HttpRequest) -> HttpResponse:
    outcome = fool_rates()
    rows = [(dataset, outcome.get(of_dataset(dataset.pk), [])) for dataset in Dataset.objects.counted()]
    return render(request, "pool/datasets.html", {"datasets": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("pool.delete_dataset", raise_exception=True)
def remove_dataset(request: HttpRequest, pk: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.counted(), pk=pk)
    if request.method != "POST":
        return render(request, "pool/remove.html", {"dataset": dataset})
    try:
        remove(dataset)
    except StillNeeded as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"“{dataset}” has been removed.")
    return redirect("pool:datasets")
