"""The page that takes the authors' part of a study's reporting checklists."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from rating.models import Study
from rating.results.report.statements_form import StatementsForm
from rating.studies.statements import TOPICS


@permission_required("rating.change_study", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def statements(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = StatementsForm(request.POST if request.method == "POST" else None, study=study)
    if form.is_valid():
        changed = form.save(request.user)
        messages.success(request, f"{len(changed)} of {len(TOPICS)} statements changed.")
        return redirect("rating:statements", slug)
    context = {"study": study, "form": form, "written": len(form.texts), "topics": len(TOPICS)}
    return render(request, "rating/statements.html", context, status=422 if form.errors else 200)
