"""The page on which a machine is asked to read a study, and how far those asked are."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from jobs.views import JobPages
from lungrater.machines.forms import MachineForm, not_open
from lungrater.machines.models import MachineReading
from rating.models import Study


class MachinePages(JobPages[MachineReading]):
    """What is read by machines stands on the study's page of machines; each can be stopped and let go on."""

    kind = MachineReading
    name = "machine_reading"
    heads = ("Machine", "Stop or go on")
    parts = ("_cancel", "_resume")
    folder = "machines"
    url = "machine_reading"

    def permission(self, act: str) -> str:
        return "accounts.invite_rater"

    def resumed(self, request: HttpRequest, job: MachineReading) -> str:
        if not job.study.is_open:
            return not_open(job.study)
        return super().resumed(request, job)


pages = MachinePages()


@permission_required("accounts.invite_rater", raise_exception=True)
def machines(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = MachineForm(request.POST or None, instance=MachineReading(study=study))
    if request.method == "POST" and form.is_valid():
        form.submit(by=request.user)
        return redirect("machines", study.slug)
    readings = pages.listed(request).filter(study=study)
    context = {
        "study": study,
        "form": form,
        "pages": pages,
        "page": readings,
        "moving": any(reading.is_active for reading in readings),
        "may_change": True,
    }
    template = "jobs/_table.html" if request.headers.get("HX-Request") else "machines/machines.html"
    return render(request, template, context, status=422 if form.errors else 200)
