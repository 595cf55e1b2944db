"""Who has a part in an imported model, and taking a model out again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ReasonForm
from accounts.membership.forms import MemberForm
from accounts.membership.joining import ask_to_join
from accounts.sign_in.identity_proof import require_proof_of_people
from audit import record
from generation.diffusion.errors import CheckpointError
from generation.training.exchange.removal import remove_for
from generation.training.models import Checkpoint

may_change = permission_required("generation.change_trainingrun", raise_exception=True)


@require_http_methods(["GET", "HEAD", "POST"])
@may_change
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """Of a model that came without a run; a run's goes with its dataset."""
    model = get_object_or_404(Checkpoint.objects.filter(run=None).owned_by(request.user), pk=pk)
    form = MemberForm(request.POST or None, subject=model, by=request.user)
    if request.method == "POST" and form.is_valid():
        require_proof_of_people(request)
        sentence = form.save()
        record(model, request.user, "changed the members", reason=sentence)
        messages.success(request, sentence)
        is_owner = model.is_owned_by(request.user)
        return redirect("generation:model_members", pk) if is_owner else redirect("generation:training_list")
    context = {
        "subject": model,
        "back": model.get_absolute_url(),
        "form": form,
        "members": model.memberships.select_related("user", "group"),
    }
    return render(request, "account/members.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("accounts.change_user", raise_exception=True)
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """An admin sees a model that came without a run only as a member: this makes them one, also where none is left."""
    model = get_object_or_404(Checkpoint.objects.filter(run=None), pk=pk)
    return ask_to_join(
        request, model, back=reverse("generation:training_list"), joined=model.get_absolute_url()
    )


@require_POST
@may_change
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Its row and weights go, with a reason; what images or models rest on stays."""
    model = get_object_or_404(Checkpoint.objects.owned_by(request.user), pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why; the reason is kept in the log.")
        return redirect(model)
    try:
        remove_for(model, by=request.user, reason=form.cleaned_data["reason"])
    except CheckpointError as error:
        messages.error(request, str(error))
        return redirect(model)
    messages.success(request, f"“{model.name}” is removed.")
    return redirect("generation:training_list")
