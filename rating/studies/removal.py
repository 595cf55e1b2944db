"""Studies out of the way: a draft is deleted, any other but an open one is archived, which only tidies the lists."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

from audit import record
from rating.studies.study import NotPossibleError, Study, must_say_why


class ArchivedStudy(models.Model):
    """That a study is left out of the lists. It is no part of the study's row, of which nothing changes after the freeze."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="archived", primary_key=True)
    archived_at = models.DateTimeField(db_default=Now(), editable=False)
    archived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.study} is archived"


@transaction.atomic
def delete_draft(study: Study, by: Any, reason: str) -> None:
    """Delete a draft with its invitations; the log keeps its name and why. Raises NotPossibleError."""
    must_say_why(reason)
    study.discard_preparation()  # which also refuses what is frozen, or being frozen
    if study.copies.exists():
        raise NotPossibleError("Another study was copied from this draft: archive it instead.")
    invited = study.enrolments.count()
    record(study, by, "deleted the draft", reason=reason, name=study.name, invited=invited)
    study.enrolments.update(replaces=None)  # a replacement protects the rater whose place it took
    study.enrolments.all().delete()
    study.delete()


@transaction.atomic
def archive(study: Study, by: Any) -> None:
    """Leave a study out of the lists, until somebody brings it back."""
    if study.is_open:
        raise NotPossibleError("Raters read this study: close it before you archive it.")
    _row, is_new = ArchivedStudy.objects.get_or_create(study=study, defaults={"archived_by": by})
    if is_new:
        record(study, by, "archived the study")


@transaction.atomic
def bring_back(study: Study, by: Any) -> None:
    if ArchivedStudy.objects.filter(study=study).delete()[0]:
        record(study, by, "brought the study back from the archive")
