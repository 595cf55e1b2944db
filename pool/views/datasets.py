"""The list of datasets."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pool.judged import judged, of_dataset
from pool.models import Dataset


@require_safe
@permission_required("pool.view_image", raise_exception=True)
def datasets(request: HttpRequest) -> HttpResponse:
    outcome = judged()
    rows = [(dataset, outcome.get(of_dataset(dataset.pk), [])) for dataset in Dataset.objects.counted()]
    return render(request, "pool/datasets.html", {"datasets": rows})
