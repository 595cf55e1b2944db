"""The page on which an owner takes a remark away that must not stand."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rating.models import Study
from rating.results.remark_redaction import RedactionForm


@permission_required("rating.change_study", raise_exception=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def redact(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.owned_by(request.user), slug=slug)
    form = RedactionForm(request.POST if request.method == "POST" else None, study=study, by=request.user)
    if request.method == "POST" and form.is_valid():
        messages.success(request, form.save())
        return redirect("rating:log", slug)
    return render(
        request, "rating/redact.html", {"study": study, "form": form}, status=422 if form.errors else 200
    )
