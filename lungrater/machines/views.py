"""The page on which a machine is asked to read a study, and how far those asked are."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from jobs.views import JobPages
from lungrater.machines.available_models import folders
from lungrater.machines.models import MachineReading
from rating.models import Study


class MachineForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """One machine: a folder that is there, or the name of a vision model."""

    folder = forms.ChoiceField(
        required=False,
        label="A model of this home",
        help_text="Classifiers with a class “fake”, and folders of models/machines/ with a model.pt (TorchScript).",
    )
    unsure = forms.FloatField(
        min_value=0,
        max_value=0.5,
        initial=0.0,
        label="Unsure within",
        help_text="A model of this home says “unsure” where its probability is this near to a half.",
    )

    class Meta:
        model = MachineReading
        fields = ["folder", "model", "unsure"]
        labels = {"model": "or a vision model by name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["folder"].choices = [("", "none"), *((name, name) for name in folders())]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields[
            "model"
        ].help_text = (
            f"Asked at {settings.OPENAI_BASE_URL}, which sees every blinded image and may cost money."
        )

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        same = {field: data.get(field) for field in self.Meta.fields}
        if self.instance.study.machine_readings.active().filter(**same).exists():
            raise ValidationError("This machine is reading the study already.")


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
            return f"“{job.study}” is {job.study.state}: machines rate while a study is open, as people do."
        return super().resumed(request, job)


pages = MachinePages()


@permission_required("accounts.invite_rater", raise_exception=True)
def machines(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = MachineForm(request.POST or None, instance=MachineReading(study=study))
    if request.method == "POST" and form.is_valid():
        if study.is_open:
            form.instance.requested_by = request.user
            form.instance.submit()
            return redirect("machines", study.slug)
        form.add_error(
            None, f"“{study}” is {study.state}: machines rate while a study is open, as people do."
        )
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
