"""What came of a study that is over: counts, agreement, the images raters agreed on, remarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from pool.models import Modality
from rating.analysis.agreed_images import called_fake_by_two_or_more, called_images, called_real_by_all
from rating.analysis.report import agreement_report, counts, notes
from rating.analysis.study import Reading, readings, table_of
from rating.models import AuditEvent, Study

COEFFICIENTS = {
    "percent_agreement": "Percent agreement",
    "cohen_kappa": "Cohen κ",
    "light_kappa": "Light κ (mean of all pairs)",
    "fleiss_kappa": "Fleiss κ",
    "krippendorff_alpha": "Krippendorff α",
    "gwet_ac1": "Gwet AC1",
    "brennan_prediger": "Brennan–Prediger",
}


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    if not study.is_over:
        return render(request, "rating/analysis_waits.html", {"study": study})
    if study.is_unblinded:
        AuditEvent.record(study, request.user, "looked at the truth")
    rows = readings(study)
    images = called_images((r.rater, r.image, r.modality, r.truth, r.label) for r in rows)
    table = table_of(rows)
    report = agreement_report(table)
    context = {
        "study": study,
        "report": report,
        "notes": notes(report),
        "agreement": _agreement_rows(report),
        "by_modality": _count_rows(counts(table, "modality")),
        "by_truth": _count_rows(counts(table, {r.image: _truth_group(r) for r in rows})),
        "real_by_all": called_real_by_all(images),
        "fake_by_two": called_fake_by_two_or_more(images),
        "remarks": sorted((row for row in rows if row.remark), key=lambda row: (row.modality, row.image)),
    }
    return render(request, "rating/analysis.html", context)


def _truth_group(row: Reading) -> str:
    return f"{row.modality_name}, truly {row.truth}" if row.truth else ""


def _agreement_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per coefficient, the whole study first and then each modality."""
    parts = {"All images": report, **{Modality(name).label: part for name, part in report["by"].items()}}
    return [
        {"part": part, "images": numbers["images"], "name": COEFFICIENTS[name], **estimate}
        for part, numbers in parts.items()
        for name, estimate in numbers["coefficients"].items()
    ]


def _count_rows(by_group: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[dict[str, Any]]:
    """One row per group and rater, with the corners of its stacked bar on a scale of 0 to 100."""
    rows = []
    for group, raters in by_group.items():
        for rater, labels in raters.items():
            n = sum(labels.values())
            if not n:
                continue
            bar, left = [], 0.0
            for label, count in labels.items():
                width = 100 * count / n
                bar.append({"label": label, "x": round(left, 3), "width": round(width, 3)})
                left += width
            name = Modality(group).label if group in Modality.values else group
            rows.append({"group": name, "rater": rater, "counts": labels, "n": n, "bar": bar})
    return rows
