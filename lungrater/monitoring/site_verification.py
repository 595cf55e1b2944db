"""Everything of the site that can be checked against what was written when it happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit import heads
from audit.anchors import Anchor
from audit.verification import Discrepancy, chains, verify_chain
from rating.results.verification import verify_study
from rating.studies.study import Study


def discrepancies_of_study(study: Study, anchors: Sequence[Anchor] = ()) -> Iterator[Discrepancy]:
    yield from heads.verify_entered(study.trail)
    yield from verify_study(study, anchors).discrepancies


def discrepancies_of_site(anchors: Sequence[Anchor] = ()) -> Iterator[Discrepancy]:
    """The site's chain, each study with its own, and chains of studies that are no more."""
    yield from verify_chain("site", anchors)
    yield from heads.verify_entered()
    verified = {"site"}
    for study in Study.objects.order_by("pk"):
        verified.add(study.trail)
        for each in verify_study(study, anchors).discrepancies:
            yield Discrepancy(f"“{study}”", str(each))
    for chain in sorted({*chains(), *(anchor.chain for anchor in anchors)} - verified):
        yield from verify_chain(chain, anchors)
