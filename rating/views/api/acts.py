"""What moves a study on, for programs; what cannot be taken back wants an act token, and what its page asks to be typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access, proof_for_act
from accounts.api.filling import body_of, filled
from accounts.api.headers import ACT, ONCE
from accounts.api.idempotency import once
from accounts.api.problems import ProblemError
from accounts.api.types import Slug
from accounts.forms import ConfirmForm, ReasonForm
from accounts.tokens.models import Scope
from rating.blinding.freeze_again import FreezeAgainForm
from rating.models import BlindingAudit, Study
from rating.studies.invitation_form import InvitationForm
from rating.studies.invitations import invite_all
from rating.studies.sampling.near_copies import let_near_copies_in
from rating.studies.study import NotPossibleError
from rating.views.api.facts import ActFacts, editable, refused_in_the_log, reread
from rating.views.conduct.point_of_no_return import begin_again, begin_freeze, close_study, unblind_study
from rating.views.conduct.signing import SignatureForm, ask_meaning, sign, sign_numbers

router = Router(tags=["Acts on studies"])
changes = Access(Scope.WRITE, "rating.change_study")
sees_truth = Access(Scope.WRITE, "rating.view_truth")

MEANING: Any = (str | None, None)  # only of a study that asks for signatures

if TYPE_CHECKING:
    Again = Schema
    Confirmation = Schema
    Invitations = Schema
    Reason = Schema
    Signature = Schema
    Unblinding = Schema
else:
    Again = body_of(FreezeAgainForm, "FreezeAgain")
    Confirmation = body_of(ConfirmForm, "ClosingConfirmation", meaning=MEANING)
    Invitations = body_of(InvitationForm, "Invitations")
    Reason = body_of(ReasonForm, "WhyReason")
    Signature = body_of(SignatureForm, "Signature", meaning=MEANING)
    Unblinding = body_of(ReasonForm, "Unblinding", meaning=MEANING)


class InvitationFacts(Schema):
    """`url` is the link where no mail leaves this site, for a person who is new; else empty."""

    email: str
    is_new: bool
    is_sent: bool
    url: str


class InvitationsFacts(Schema):
    invitations: list[InvitationFacts]
    refusals: list[str]


@router.post("/studies/{slug}/freeze", response={202: ActFacts}, auth=changes, openapi_extra=ACT)
def freeze_study(request: HttpRequest, slug: Slug, body: Signature) -> Any:
    """Fix images, derivatives and orders; a job, to be followed in the study. With signatures: an act token and `meaning`."""
    study = get_object_or_404(Study.objects.drafts().editable_by(request.user), slug=slug)
    return _acted(request, study, "freeze", body, form=forms.Form, carry_out=begin_freeze)


@router.post("/studies/{slug}/freeze-again", response={201: ActFacts}, auth=changes, openapi_extra=ONCE)
@once(ActFacts)
def freeze_study_again(request: HttpRequest, slug: Slug, body: Again) -> Any:
    """Leave out what the audit flagged, make the arms alike, and freeze: another study, with protocol and raters of this one.

    The answer is of the new study; with signatures it is a draft, to be frozen with yours.
    """
    study = editable(request, slug)
    form = filled(FreezeAgainForm, body.model_dump(exclude_unset=True), study=study)
    with refused_in_the_log(study, "freeze_again"):
        draft, sentence = begin_again(request.user, study, form)
    return _done(draft, sentence)


@router.post("/studies/{slug}/audit", response={202: ActFacts}, auth=changes)
def audit_study(request: HttpRequest, slug: Slug) -> Any:
    """Run the blinding audit again."""
    study = editable(request, slug)
    if study.is_draft:
        raise ProblemError(409, "Freeze the study first: the audit looks at what raters will see.")
    try:
        with transaction.atomic():
            BlindingAudit(study=study, requested_by_id=request.user.pk).submit()
    except IntegrityError:
        return _done(study, "The blinding audit is running already.")
    return _done(study, "The blinding audit is running.")


@router.post("/studies/{slug}/override", response=ActFacts, auth=changes)
def override_audit(request: HttpRequest, slug: Slug, body: Reason) -> Any:
    """Let it open in spite of a red audit; your name and reason stand in its log and its methods text."""
    study = editable(request, slug)
    reason = filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    with refused_in_the_log(study, "override"):
        if study.blinding_audit is None:
            raise NotPossibleError("There is no audit to override yet.")
        study.blinding_audit.override(request.user, reason)
    return _done(study, "The study may open; your name and reason stand in its log and its methods text.")


@router.post("/studies/{slug}/let-copies-in", response=ActFacts, auth=changes)
def let_copies_in(request: HttpRequest, slug: Slug, body: Reason) -> Any:
    """Let near-copies of real images be shown in this study."""
    study = editable(request, slug)
    reason = filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    with refused_in_the_log(study, "let_copies_in"):
        let_near_copies_in(study, request.user, reason)
    return _done(study, "Near-copies may be shown in this study; your name and reason stand in its log.")


@router.post("/studies/{slug}/open", response=ActFacts, auth=changes)
def open_study(request: HttpRequest, slug: Slug) -> Any:
    """Let raters begin."""
    study = editable(request, slug)
    with refused_in_the_log(study, "open"):
        study.open(request.user)
    return _done(study, "Raters can begin.")


@router.post("/studies/{slug}/close", response=ActFacts, auth=changes, openapi_extra=ACT)
def close_now(request: HttpRequest, slug: Slug, body: Confirmation) -> Any:
    """Take no more ratings, for good: an act token, and the study's name in `confirm`."""
    study = editable(request, slug)
    return _acted(request, study, "close", body, form=ConfirmForm, carry_out=close_study, name=study.name)


@router.post("/studies/{slug}/unblind", response=ActFacts, auth=sees_truth, openapi_extra=ACT)
def unblind_now(request: HttpRequest, slug: Slug, body: Unblinding) -> Any:
    """Let the truth be seen: an act token, and a reason. With four eyes the first person asks and a second confirms."""
    return _acted(request, editable(request, slug), "unblind", body, form=ReasonForm, carry_out=unblind_study)


@router.post("/studies/{slug}/unblind/refuse", response=ActFacts, auth=sees_truth)
def refuse_unblinding(request: HttpRequest, slug: Slug, body: Reason) -> Any:
    """With four eyes: refuse what another has asked for, or withdraw one's own wish, with a reason."""
    study = editable(request, slug)
    reason = filled(ReasonForm, body.model_dump(exclude_unset=True)).cleaned_data["reason"]
    with refused_in_the_log(study, "refuse unblinding"):
        sentence = study.refuse_unblinding(request.user, reason)
    return _done(study, sentence)


@router.post("/studies/{slug}/report/sign", response=ActFacts, auth=sees_truth, openapi_extra=ACT)
def sign_now(request: HttpRequest, slug: Slug, body: Signature) -> Any:
    """Sign the numbers of the report as they are now: an act token and `meaning`."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug, signatures=True)
    proof = proof_for_act(request, needs_proof=True)
    meaning = filled(_signed(SignatureForm, study), _values(body, study)).cleaned_data["meaning"]
    sign_numbers(request.user, study, meaning, by=[proof])
    return _done(study, "Your signature stands in the report and in the log.")


@router.post(
    "/studies/{slug}/invitations",
    response=InvitationsFacts,
    auth=Access(Scope.WRITE, "accounts.invite_rater"),
)
def invite_raters(request: HttpRequest, slug: Slug, body: Invitations) -> Any:
    """Enrol people, one address a line or a table as CSV text, and mail each a link; nobody is enrolled twice.

    Where researchers see pseudonyms only, admins alone may.
    """
    study = get_object_or_404(Study.objects.filled_by(request.user), slug=slug)
    invitees = filled(InvitationForm, body.model_dump(exclude_unset=True)).invitees()
    invitations, refusals = invite_all(
        study,
        invitees,
        by=request.user,
        absolute=lambda path: request.build_absolute_uri(path) if path else "",
    )
    facts = [{**_facts(each), "url": "" if each.is_sent else each.url} for each in invitations]
    return {"invitations": facts, "refusals": refusals}


def _facts(invitation: Any) -> dict[str, object]:
    return {name: getattr(invitation, name) for name in ("email", "is_new", "is_sent")}


def _acted(
    request: HttpRequest,
    study: Study,
    act: str,
    body: Schema,
    *,
    form: Callable[..., forms.Form],
    carry_out: Callable[[Any, Study, forms.Form], str],
    **how: Any,
) -> Any:
    """As the act's page: proof of who acts, its form, the act, and a signature where the study asks for one."""
    proof = (
        ""
        if act == "freeze" and not study.signatures
        else proof_for_act(request, needs_proof=study.signatures)
    )
    valid = filled(_signed(form, study), _values(body, study), **how)
    with refused_in_the_log(study, act):
        sentence = carry_out(request.user, study, valid)
    if study.signatures:
        sign(request.user, study, act, valid.cleaned_data["meaning"], by=[proof])
    return _done(study, sentence)


def _signed(form: Callable[..., forms.Form], study: Study) -> Callable[..., forms.Form]:
    """The form with the field of a signature, where the study asks for one."""

    def make(data: Any, files: Any, **how: Any) -> forms.Form:
        filled_form = form(data, files, **how)
        ask_meaning(filled_form, study)
        return filled_form

    return make


def _values(body: Schema, study: Study) -> dict[str, object]:
    values = body.model_dump(exclude_unset=True)
    return values if study.signatures else {name: values[name] for name in values if name != "meaning"}


def _done(study: Study, sentence: str) -> dict[str, object]:
    return {"sentence": sentence, "study": reread(study)}
