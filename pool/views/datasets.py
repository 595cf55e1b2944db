"""The list of datasets, and taking one out again."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ConfirmForm
from accounts.membership.forms import MemberForm
from accounts.membership.joining import ask_to_join
from accounts.sign_in.identity_proof import require_proof_of_people
from audit import record
from pool.dataset_removal import StillNeededError, remove
from pool.looks import note_look
from pool.models import Dataset
from pool.registers.fool_rates_by_dataset import fool_rates, of_dataset
from pool.strips import strips

PER_PAGE = 50


@require_safe
@permission_required("pool.view_image", raise_exception=True)
def datasets(request: HttpRequest) -> HttpResponse:
    note_look(None, request.user, "datasets")
    visible = Dataset.objects.counted().visible_to(request.user)
    page = Paginator(visible, PER_PAGE).get_page(request.GET.get("page"))
    listed = list(page)
    on_page = [dataset.pk for dataset in listed]
    outcome, images = fool_rates(on_page), strips(on_page, request.user)
    rows = [
        (dataset, outcome.get(of_dataset(dataset.pk), []), images.get(dataset.pk, [])) for dataset in listed
    ]
    owned = set(Dataset.objects.owned_by(request.user).filter(pk__in=on_page).values_list("pk", flat=True))
    editable = set(
        Dataset.objects.editable_by(request.user).filter(pk__in=on_page).values_list("pk", flat=True)
    )
    open_to_join = Dataset.objects.joinable_by(request.user)
    joinable = [(dataset, reverse("pool:join_dataset", args=[dataset.pk])) for dataset in open_to_join]
    context = {"page": page, "datasets": rows, "owned": owned, "editable": editable, "joinable": joinable}
    return render(request, "pool/datasets.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("pool.delete_dataset", raise_exception=True)
def remove_dataset(request: HttpRequest, pk: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.counted().owned_by(request.user), pk=pk)
    form = ConfirmForm(request.POST or None, name=dataset.name)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "pool/remove.html", {"dataset": dataset, "form": form}, status=status)
    try:
        remove(dataset, by=request.user)
    except StillNeededError as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"“{dataset}” has been removed.")
    return redirect("pool:datasets")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("pool.change_image", raise_exception=True)
def dataset_members(request: HttpRequest, pk: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset.objects.owned_by(request.user), pk=pk)
    form = MemberForm(request.POST or None, subject=dataset, by=request.user)
    if request.method == "POST" and form.is_valid():
        require_proof_of_people(request)
        sentence = form.save()
        record(dataset, request.user, "changed the members", reason=sentence)
        messages.success(request, sentence)
        is_owner = dataset.is_owned_by(request.user)
        return redirect("pool:dataset_members", pk) if is_owner else redirect("pool:datasets")
    context = {
        "subject": dataset,
        "back": reverse("pool:datasets"),
        "form": form,
        "members": dataset.memberships.select_related("user", "group"),
    }
    return render(request, "account/members.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("accounts.change_user", raise_exception=True)
def join_dataset(request: HttpRequest, pk: int) -> HttpResponse:
    """An admin sees a dataset only as a member: this makes them one, in the open."""
    dataset = get_object_or_404(Dataset, pk=pk)
    listing = reverse("pool:datasets")
    return ask_to_join(request, dataset, back=listing, joined=listing)
