"""A frozen study again without what its audit flagged: same protocol, members and raters, new images and orders.

A frozen study never changes, so this is a copy that takes its raters along; the first one stays as it is.
"""

from __future__ import annotations

from typing import Any, TypedDict

from django import forms
from django.db import transaction

from accounts.membership.models import Part
from audit import record
from pool.models import Image
from rating.blinding.audit import BlindingAudit
from rating.studies.enrolment import Enrolment
from rating.studies.sampling.left_out import LeftOutImage
from rating.studies.statements import AuthorStatement
from rating.studies.study import NotPossibleError, Study
from rating.studies.study_copy import copy_of, free_name


class FreezeAgainForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """What makes the arms alike may be chosen anew; everything else of the protocol stays."""

    leave_out = forms.BooleanField(
        label="Leave out all images that the audit flagged", required=False, initial=True
    )

    class Meta:
        model = Study
        fields = ["name", "common_size", "grey_range", "burned_in"]

    def __init__(self, data: Any = None, files: Any = None, *, study: Study) -> None:
        initial = {
            "name": free_name(study.name, "again"),
            "common_size": study.common_size,
            "grey_range": study.grey_range,
            "burned_in": study.burned_in,
        }
        super().__init__(data, files, initial=initial)

    def changes(self) -> AlikeSettings:
        data = self.cleaned_data
        return {
            "common_size": data["common_size"],
            "grey_range": data["grey_range"],
            "burned_in": data["burned_in"],
        }


class AlikeSettings(TypedDict):
    """What makes the arms alike, as the draft is to have it."""

    common_size: str
    grey_range: str
    burned_in: str


def flagged_images(study: Study) -> list[Image]:
    """The images without which the findings of the latest audit would be none."""
    audit = study.blinding_audit
    codes = {code for finding in (audit.alarms if audit else []) for code in finding.get("leave_out", ())}
    return list(Image.objects.filter(pk__in=study.images.filter(code__in=codes).values("image")))


@transaction.atomic
def freeze_again(study: Study, *, by: Any, name: str = "", leave_out: bool = True, **changes: Any) -> Study:
    """The draft that takes this study's place, ready to be frozen. Raises NotPossibleError."""
    audit = study.blinding_audit
    if study.state != Study.State.FROZEN:
        raise NotPossibleError(f"Only a study that is frozen can be frozen again; this one is {study.state}.")
    if audit is None or audit.state != BlindingAudit.State.SUCCEEDED:
        raise NotPossibleError("Run the blinding audit first: it says what to leave out.")
    flagged = flagged_images(study) if leave_out else []
    draft = copy_of(study, by=by, name=name or free_name(study.name, "again"), **changes)
    _share_alike(study, draft, by)
    _keep_statements(study, draft)
    images = {*study.left_out.values_list("image", flat=True), *(image.pk for image in flagged)}
    LeftOutImage.objects.bulk_create(LeftOutImage(study=draft, image_id=pk) for pk in images)
    _ask_for_fewer(draft)
    if reasons := draft.reasons_not_to_freeze():
        raise NotPossibleError(" ".join(reasons))
    for enrolment in study.enrolments.filter(withdrawn_at=None).order_by("number"):
        Enrolment.enrol(draft, enrolment.user, by=by, machine=enrolment.machine)
    record(draft, by, "left out what the audit flagged", of=study.name, images=len(flagged))
    record(study, by, "was frozen again", name=draft.name, images=len(flagged))
    return draft


def _share_alike(study: Study, draft: Study, by: Any) -> None:
    draft.memberships.all().delete()
    for row in study.memberships.select_related("user", "group"):
        draft.share_with(row.user or row.group, Part(row.part), by=by)


def _keep_statements(study: Study, draft: Study) -> None:
    """What the authors wrote for the checklists: it is the same study, drawn once more."""
    AuthorStatement.objects.bulk_create(
        AuthorStatement(
            study=draft,
            topic=row.topic,
            text=row.text,
            written_by_id=row.written_by_id,
            written_at=row.written_at,
        )
        for row in study.statements.all()
    )


def _ask_for_fewer(draft: Study) -> None:
    """Let each stratum ask for what its dataset still has; the study is as much smaller as was left out."""
    for stratum in draft.strata.all():
        available = stratum.available()
        if not available:
            raise NotPossibleError(f"Nothing would be left of “{stratum.dataset}”: add images to it first.")
        missing = stratum.asked_in_all() - available
        if missing > 0:
            if stratum.count <= missing:
                raise NotPossibleError(
                    f"Too little would be left of “{stratum.dataset}”: add images to it first."
                )
            stratum.count -= missing
            stratum.save(update_fields=["count"])
