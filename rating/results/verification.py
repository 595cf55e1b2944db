"""Everything of a study that can be checked against what was written when it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.anchors import Anchor
from audit.verification import Discrepancy, head, verify_chain
from rating.blinding.verification import verify_derivatives, verify_manifest, verify_orders
from rating.reading.revision_chain import verify_ratings, verify_revisions
from rating.results.display_names import counted
from rating.studies.study import Study
from rating.studies.trail.life_verification import verify_life, verify_standing
from rating.studies.trail.sitting_heads import heads_of

SIGNED = "signed"  # as the log names it


@dataclass(frozen=True, slots=True)
class Verification:
    """What differs, and the head of the study's log, which stands for all of it."""

    discrepancies: tuple[Discrepancy, ...]
    head: Anchor | None

    @property
    def is_whole(self) -> bool:
        return not self.discrepancies

    @property
    def sentence(self) -> str:
        if self.discrepancies:
            return f"NOT as it was written: {self.discrepancies[0]}" + (
                f" (and {len(self.discrepancies) - 1} more)" if len(self.discrepancies) > 1 else ""
            )
        return "Log, revisions, ratings, orders, manifest, derivatives and stored truth are as they were written."

    @property
    def words(self) -> list[str]:
        """The result and the head, as a report prints them."""
        return [self.sentence, f"Head of the study's log: {self.head}." if self.head else "The log is empty."]


def signature_lines(study: Study) -> list[str]:
    """Who has signed what, when, and what it meant, first to last."""
    signatures = study.events.filter(action=SIGNED).order_by("pk")
    return [
        f"Signed ({event.detail['act']}) by {event.who} on {event.at:%Y-%m-%d %H:%M:%S} UTC: {event.detail['meaning']}."
        for event in signatures
    ]


def unconfirmed_lines(study: Study) -> list[str]:
    """Who read under an address that nothing has confirmed, by pseudonym; empty where there is nobody.

    How many alone where researchers see pseudonyms only: a link to another study confirms the address, too, and would
    tell whose the code is.
    """
    names = [enrolment.pseudonym for enrolment in study.enrolments.unconfirmed()]
    if not names:
        return []
    who = counted(len(names), "rater") if study.pseudonyms_only else ", ".join(names)
    return [
        f"Addresses that no mail and no identity provider has confirmed: {who}. Who read there is not known."
    ]


def verify_study(study: Study, anchors: Sequence[Anchor] = ()) -> Verification:
    """Check all of it, in the order in which it came to be."""
    checks = (
        verify_chain(study.trail, anchors),
        verify_life(study),
        verify_standing(study),
        verify_manifest(study),
        verify_derivatives(study),
        verify_orders(study),
        verify_revisions(study, heads_of(study)),
        verify_ratings(study),
    )
    return Verification(tuple(each for check in checks for each in check), head(study.trail))
