"""Why the images asked for do not make an arena yet, in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rating.studies.sampling.generators import competitors_in
from rating.studies.sampling.pairing import why_not_pairs
from rating.studies.sampling.strata import Role, Stratum

if TYPE_CHECKING:
    from rating.studies.study import Study


def reasons_of_arena(study: Study, strata: list[Stratum]) -> list[str]:
    """What can be seen before images are drawn: too few generators, numbers that make no pairs, an endpoint of others."""
    names = {stratum: competitors_in(stratum) for stratum in strata}
    competing = {name for stratum in strata if stratum.role == Role.MAIN for name in names[stratum]}
    reasons = _uneven(names)
    if len(competing) < 2:
        reasons.append("An arena needs images of two generators, or of one and real images.")
    return [*reasons, *_undeclared(study, competing)]


def _uneven(names: dict[Stratum, set[str]]) -> list[str]:
    """By role and modality. A dataset of several generators is dealt with as images are drawn."""
    numbers: dict[tuple[str, str], Counter[str]] = {}
    for stratum, competitors in names.items():
        of_kind = numbers.setdefault(
            (stratum.get_role_display(), stratum.dataset.get_modality_display()), Counter()
        )
        name = next(iter(competitors)) if len(competitors) == 1 else ""
        of_kind[name] += stratum.count
    reasons = []
    for (role, modality), counts in numbers.items():
        # Of a dataset of several generators it is not known yet how many images of each are drawn.
        shares = [counts.total() // 2, -(-counts.total() // 2)] if "" in counts else [*counts.values()]
        if why := why_not_pairs(shares):
            reasons.append(f"{role}, {modality}: {counts.total()} images do not make pairs: {why}.")
    return reasons


def _undeclared(study: Study, competing: set[str]) -> list[str]:
    if study.primary_endpoint not in {study.Endpoint.STRENGTH, study.Endpoint.AGREEMENT}:
        return ["An arena has strengths and an agreement, nothing else: declare one of these."]
    declared = {study.contender, study.opponent} - {""}
    if absent := sorted(declared - competing):
        listed = ", ".join(f"“{name}”" for name in sorted(competing))
        return [f"No image of “{absent[0]}” is asked for; there are those of {listed or 'nothing'}."]
    if study.primary_endpoint == study.Endpoint.STRENGTH and not declared and len(competing) > 2:
        return ["Declare which two generators the primary result compares."]
    return []
