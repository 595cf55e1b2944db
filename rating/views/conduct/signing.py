"""Electronic signatures, where a study asks for them: who signs proves again who they are, and says what it means.

A signature is an event of the study's log: name, time, act, meaning and what it is bound to, chained like all others.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.sign_in.identity_proof import proofs_of, require_proof
from audit import record
from audit.verification import head
from pool.canonical.typed_json import as_json
from rating.models import Study
from rating.results.build_report import results_of
from rating.results.verification import SIGNED

MEANINGS = [
    ("approval", "I approve it"),
    ("review", "I have reviewed it"),
    ("responsibility", "I answer for it"),
    ("authorship", "I have written it"),
]


def ask_meaning(form: forms.Form, study: Study) -> None:
    """Add the field that a signature needs, where the study asks for one."""
    if study.signatures:
        form.fields["meaning"] = forms.ChoiceField(choices=MEANINGS, label="What your signature means")


def proof_methods(request: HttpRequest) -> list[str]:
    """How whoever signs on a page has proved who they are."""
    return [proof["method"] for proof in proofs_of(request)[-1:]]


def sign(person: Any, study: Study, act: str, meaning: str, *, by: list[str], **bound_to: Any) -> None:
    """Keep the signature; the head that it is bound to is that of the log before it."""
    record(
        study,
        person,
        SIGNED,
        act=act,
        meaning=dict(MEANINGS)[meaning],
        manifest_sha256=study.manifest_sha256,
        head=str(head(study.trail)),
        by=by,
        **bound_to,
    )


class SignatureForm(forms.Form):
    """Nothing but the meaning, which `ask_meaning` adds."""


@permission_required("rating.view_truth", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def sign_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign the numbers of the report as they are now."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug, signatures=True)
    require_proof(request)
    form = SignatureForm(request.POST if request.method == "POST" else None)
    ask_meaning(form, study)
    if form.is_valid():
        sign_numbers(request.user, study, form.cleaned_data["meaning"], by=proof_methods(request))
        messages.success(request, "Your signature stands in the report and in the log.")
        return redirect(study)
    status = 422 if request.method == "POST" else 200
    return render(request, "rating/sign_report.html", {"study": study, "form": form}, status=status)


def sign_numbers(person: Any, study: Study, meaning: str, *, by: list[str]) -> None:
    """Sign the report: its numbers as they are now."""
    numbers = json.dumps(as_json(results_of(study)), sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(numbers.encode()).hexdigest()
    sign(person, study, "report", meaning, by=by, numbers_sha256=digest)
