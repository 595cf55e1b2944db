"""The sources for admins, and for everyone who imports: search one, choose series, import them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ConfirmForm
from outbound.dicomweb import DicomwebError, SeriesMatch
from pool.dicomweb.forms import QueryForm, SeriesImportForm, SourceForm
from pool.dicomweb.search import MOST_SERIES, matching_series, modality_of
from pool.models import DicomwebSource

may_add = permission_required("pool.add_image", raise_exception=True)
may_administer = permission_required("pool.change_dicomwebsource", raise_exception=True)
looks_or_sends = require_http_methods(["GET", "HEAD", "POST"])


@transaction.non_atomic_requests  # the source may take seconds to answer, no transaction waits for it
@looks_or_sends
@may_add
@never_cache
def dicomweb(request: HttpRequest) -> HttpResponse:
    """Search, and below it what matched: what is sent with “import” is a choice, else it is a search."""
    is_choice = "import" in request.POST
    query = QueryForm(request.POST or None, prefix="search")
    form = SeriesImportForm(request.POST if is_choice else None, person=request.user)
    if is_choice and form.is_valid():
        return redirect(form.submit(by=request.user))
    matches = _matches(request, query) if query.is_bound and query.is_valid() else None
    if matches and not is_choice:
        form.initial["modality"] = modality_of(matches)
    context = {
        "query": query,
        "form": form,
        "matches": matches,
        "chosen": set(request.POST.getlist("chosen_series")),
        "is_cut": matches is not None and len(matches) >= MOST_SERIES,
        "sources": DicomwebSource.objects.all(),
    }
    return render(request, "pool/dicomweb.html", context, status=422 if query.errors or form.errors else 200)


def _matches(request: HttpRequest, query: QueryForm) -> list[SeriesMatch] | None:
    try:
        return matching_series(query.cleaned_data["source"], query.query)
    except DicomwebError as error:
        messages.error(request, str(error))
        return None


@looks_or_sends
@may_administer
@never_cache
def dicomweb_sources(request: HttpRequest) -> HttpResponse:
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        source = form.save_by(request.user)
        messages.success(request, f"“{source}” can be searched now.")
        return redirect("pool:dicomweb_sources")
    context = {"form": form, "sources": DicomwebSource.objects.all()}
    return render(request, "pool/dicomweb_sources.html", context, status=422 if form.errors else 200)


@looks_or_sends
@may_administer
@never_cache
def dicomweb_source(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(DicomwebSource, pk=pk)
    form = SourceForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        form.save_by(request.user)
        messages.success(request, "Saved.")
        return redirect("pool:dicomweb_sources")
    name = DicomwebSource.objects.values_list("name", flat=True).get(pk=pk)
    context = {"form": form, "name": name, "source": source, "confirm_form": ConfirmForm(name=name)}
    return render(request, "pool/dicomweb_source.html", context, status=422 if form.errors else 200)


@require_POST
@may_administer
def remove_dicomweb_source(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(DicomwebSource, pk=pk)
    form = ConfirmForm(request.POST, name=source.name)
    if not form.is_valid():
        context = {"form": SourceForm(instance=source), "name": source.name, "confirm_form": form}
        return render(request, "pool/dicomweb_source.html", {**context, "source": source}, status=422)
    source.remove(by=request.user)
    messages.success(request, f"“{source}” is removed; what was imported from it stays.")
    return redirect("pool:dicomweb_sources")
