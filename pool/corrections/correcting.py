"""Giving many images another finding or split, and taking that back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audit import record
from pool.models import CorrectedImage, Correction, Dataset, Image
from pool.registers.fixed_images import is_fixed

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Corrected:
    """How many images were changed, how many said so already, and how many a frozen study holds as they are."""

    correction: Correction | None
    changed: int
    unchanged: int
    fixed: int

    @property
    def in_words(self) -> str:
        words = [f"{self.changed} image{'' if self.changed == 1 else 's'} changed."]
        if self.unchanged:
            words.append(f"{self.unchanged} said so already.")
        if self.fixed:
            words.append(f"{self.fixed} stay as they are: a study that is frozen or further shows them.")
        return " ".join(words)


@transaction.atomic
def correct(images: QuerySet[Image], field: str, value: str, *, by: Any, reason: str) -> Corrected:
    """Let these images say `value` in `field`; what they said before is kept."""
    total = images.count()
    free = images.exclude(is_fixed())
    fixed = total - free.count()
    different = free.exclude(**{field: value}).order_by("pk")
    changed = list(different.select_for_update(of=("self",)).values_list("pk", "dataset_id", field))
    if not changed:
        return Corrected(None, 0, total - fixed, fixed)
    correction = Correction.objects.create(field=field, value=value, reason=reason, corrected_by=by)
    CorrectedImage.objects.bulk_create(
        [CorrectedImage(correction=correction, image_id=pk, before=before) for pk, _, before in changed],
        batch_size=BATCH,
    )
    Image.objects.filter(corrections__correction=correction).update(**{field: value})
    _record(correction, Counter(dataset for _, dataset, _ in changed), by, "corrected images", reason)
    return Corrected(correction, len(changed), total - fixed - len(changed), fixed)


@transaction.atomic
def take_back(correction: Correction, *, by: Any) -> int:
    """Let the images that still say what the correction gave them say again what they said before; how many did.

    Those of datasets that `by` may not change stay: the correction is taken back once whoever may has done the rest.
    """
    correction = Correction.objects.select_for_update().get(pk=correction.pk)
    if correction.taken_back_at is not None:
        return 0
    later = CorrectedImage.objects.filter(
        image=OuterRef("pk"), correction__field=correction.field, correction__gt=correction.pk
    )
    editable = Image.objects.editable_by(by)
    still = editable.exclude(is_fixed() | Exists(later.filter(correction__taken_back_at=None))).filter(
        corrections__correction=correction, **{correction.field: correction.value}
    )
    befores = CorrectedImage.objects.filter(correction=correction, image__in=still)
    datasets = Counter(befores.order_by().values_list("image__dataset", flat=True))
    restored = 0
    for before in list(befores.order_by().values_list("before", flat=True).distinct()):
        same = befores.filter(before=before).order_by().values("image")
        restored += Image.objects.filter(pk__in=same).update(**{correction.field: before})
    if not correction.corrected_images.exclude(image__in=editable).exists():
        correction.taken_back_by, correction.taken_back_at = by, timezone.now()
        correction.save(update_fields=["taken_back_by", "taken_back_at"])
    _record(correction, datasets, by, "took a correction back", "")
    return restored


def _record(correction: Correction, images: Counter[int], by: Any, action: str, reason: str) -> None:
    """In the log of each dataset: which field, which value, how many of its images."""
    for dataset in Dataset.objects.filter(pk__in=images):
        record(
            dataset,
            by,
            action,
            reason=reason,
            correction=correction.pk,
            field=correction.field,
            value=correction.value,
            images=images[dataset.pk],
        )
