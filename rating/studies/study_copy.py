"""A new draft with another study's protocol."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit import record
from rating.studies.sampling.strata import Stratum
from rating.studies.study import Study

OWN = {"name", "seed", "is_simulated"}  # what a copy never takes over


@transaction.atomic
def copy_of(study: Study, *, by: Any, name: str = "", **changes: Any) -> Study:
    """A draft with the same protocol and strata but a seed, images and orders of its own.

    Images are drawn anew at its freeze, from the same datasets: where these are small, the copy shows images
    that raters of the first study know. Invite others, or add images, before its numbers are compared.
    """
    protocol = {field: value for field, value in study.protocol().items() if field not in OWN}
    copy = Study.objects.create(
        **{**protocol, **changes}, name=name or free_name(study.name), created_by=by, copy_of=study
    )
    copy.give_to_maker(by)
    Stratum.objects.bulk_create(
        Stratum(study=copy, dataset_id=s.dataset_id, label=s.label, role=s.role, count=s.count)
        for s in study.strata.all()
    )
    record(copy, by, "copied", of=study.name)
    return copy


def free_name(name: str, word: str = "copy") -> str:
    """“NAME (copy)”, or “NAME (copy 2)” and so on where that is taken."""
    longest = Study._meta.get_field("name").max_length or 100
    number = 1
    while True:
        tail = f" ({word})" if number == 1 else f" ({word} {number})"
        candidate = name[: longest - len(tail)] + tail
        if not Study.objects.filter(name=candidate).exists():
            return candidate
        number += 1
