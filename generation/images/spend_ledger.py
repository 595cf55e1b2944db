"""What a job's requests to a paid service may have cost, also those whose answer never came.

Before a request leaves, its index is committed as sent; with its answer it is taken off again. What a killed
worker left as sent may have been billed: it counts as spent, and the slot is asked for once more and no more.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict

from generation.images.engines.protocol import EngineImage, NeedsPersonError, Refusal
from generation.images.models import GenerationJob
from generation.images.outcomes import GeneratedImage
from generation.images.prices.table import TYPED, PriceTableError, TokenPrices, prices_of
from jobs.models import JobLostError, JobPausedError

LOST_TWICE = (
    "Twice the worker stopped while the server worked on this image; it may have been made and billed."
)


class UnansweredJSON(TypedDict):
    """The requests under way, and how often one of a slot went without an answer."""

    sent: list[int]
    lost: dict[str, int]


class SpendColumns(TypedDict, total=False):
    """What of a job's row changes with an answer; nothing where it cost nothing."""

    spent: Decimal
    unanswered: UnansweredJSON


def token_prices_for(job: GenerationJob) -> TokenPrices | None:
    """What a token of this job's model costs; None where a person typed a price an image, which goes first."""
    if job.engine != GenerationJob.Engine.OPENAI or job.settings.get("priced_by") == TYPED:
        return None
    try:
        listed = prices_of(job.api_model)
    except PriceTableError as error:
        raise JobPausedError(str(error)) from error
    return listed.tokens if listed else None


class Ledger:
    def __init__(self, job: GenerationJob) -> None:
        self.job = job
        self.sent: set[int] = set(job.unanswered.get("sent", []))
        self.lost: dict[str, int] = dict(job.unanswered.get("lost", {}))
        self.tokens = token_prices_for(job)

    def open(self) -> None:
        """Count what the last worker left unanswered, and give up the slots that were lost twice."""
        if not self.sent:
            return
        self._spend(len(self.sent))
        for index in self.sent:
            self.lost[str(index)] = self.lost.get(str(index), 0) + 1
        for index in self.sent:
            if self.lost[str(index)] > 1:
                GeneratedImage.objects.get_or_create(
                    job=self.job, index=index, defaults={"outcome": "failed", "reason": LOST_TWICE}
                )
        self.job.log(
            f"{len(self.sent)} requests had no answer when the worker went away; they may be billed."
        )
        self.sent = set()
        self._save()

    def before_sending(self, index: int) -> None:
        """Commit that this request is about to leave.

        Raises NeedsPersonError where the cap does not allow it, JobLostError where another worker has the job by now.
        """
        price, cap = self.job.price, self.job.spend_cap
        if price is not None and cap is not None and self.job.spent + price * (len(self.sent) + 1) > cap:
            raise NeedsPersonError(
                f"The cap is reached: {self.job.spent:.2f} of {cap:.2f} US dollars are spent and the next image "
                f"costs {price}. Raise the cap, then let the job go on."
            )
        self.sent.add(index)
        if not self._save():
            raise JobLostError

    def settling(self, answer: EngineImage | Refusal) -> SpendColumns:
        """The columns that change with this answer, for the caller's own update."""
        was_sent = answer.index in self.sent
        self.sent.discard(answer.index)
        self.job.spent += self._cost(answer)
        return {"spent": self.job.spent, "unanswered": self._as_json()} if was_sent else {}

    def _cost(self, answer: EngineImage | Refusal) -> Decimal:
        """By the tokens the reply names, where the table prices them and nobody typed a price; else by the image."""
        price = self.job.price or Decimal(0)
        if not answer.billed:
            return Decimal(0)
        if answer.usage and self.tokens is not None:
            return self.tokens.cost(answer.usage) + price * (answer.billed - 1)
        return price * answer.billed

    def close(self) -> None:
        """The engine has ended by itself: nothing is under way any more."""
        if self.sent:
            self.sent = set()
            self._save()

    def _spend(self, requests: int) -> None:
        self.job.spent += (self.job.price or Decimal(0)) * requests

    def _save(self) -> bool:
        """True if the job was still this worker's."""
        self.job.unanswered = self._as_json()
        own_row = GenerationJob.objects.owned_by(self.job)
        return bool(own_row.update(unanswered=self.job.unanswered, spent=self.job.spent))

    def _as_json(self) -> UnansweredJSON:
        return {"sent": sorted(self.sent), "lost": self.lost}
