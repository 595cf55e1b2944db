"""When a call to the Images API is tried again, when a picture is given up, and when the whole job is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from generation.images.engines.image_models import RETIRED, SUCCESSORS
from generation.images.engines.protocol import EngineError, NeedsPersonError
from outbound.retry import Patience, seconds_of
from outbound.transport import ReplyTooLargeError

if TYPE_CHECKING:
    from openai import APIStatusError
    from openai.types import ImagesResponse

MODERATED = {"moderation_blocked", "content_policy_violation"}
OUT_OF_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}
MAY_BE_BILLED = "The server gave no answer in time; the picture may have been made and billed."

NOT_A_REPLY = "The server's answer is not an Images API reply."
TOO_LARGE = "The server's answer is larger than a picture can be."
# What the SDK runs into where JSON has another shape than it believes.
SHAPES = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


class ReplyRefusedError(Exception):
    """This one picture will not come; the others may."""

    def __init__(self, reason: str, outcome: Literal["refused", "failed"], *, billed: int = 0) -> None:
        super().__init__(reason)
        self.outcome: Literal["refused", "failed"] = outcome
        self.billed = billed


@dataclass(frozen=True)
class Answered:
    """A reply, and how many requests it took that were or may have been charged."""

    reply: ImagesResponse
    billed: int


@dataclass(frozen=True)
class Retrying:
    patience: Patience
    stop: threading.Event
    model: str

    def call(self, ask: Callable[[], ImagesResponse]) -> Answered:
        """The reply, after as many attempts as are safe. Raises ReplyRefusedError or EngineError.

        Every error is raised from None: the SDK's own exceptions carry the request, and with it the key.
        """
        from openai import APIConnectionError, APIError, APIStatusError

        unanswered = 0
        for attempt in range(self.patience.attempts):
            retry_after = None
            try:
                return Answered(ask(), unanswered + 1)
            except APIStatusError as error:
                retry_after = self._judge(error, billed=unanswered)
                problem = f"The server answered {error.status_code} to every attempt."
            except APIConnectionError as error:
                problem = "The server cannot be reached."
                if _was_sent(error):
                    # At most one repeat: each may cost money.
                    problem, unanswered = MAY_BE_BILLED, unanswered + 1
                    if unanswered > 1:
                        raise ReplyRefusedError(problem, "failed", billed=unanswered) from None
            except ReplyTooLargeError:  # it would be as large the next time
                raise ReplyRefusedError(TOO_LARGE, "failed", billed=unanswered + 1) from None
            except (APIError, *SHAPES):
                raise ReplyRefusedError(NOT_A_REPLY, "failed", billed=unanswered + 1) from None
            if self.stop.wait(self.patience.pause(attempt, retry_after=retry_after)):
                break
        raise ReplyRefusedError(problem, "failed", billed=unanswered)

    def _judge(self, error: APIStatusError, *, billed: int = 0) -> float | None:
        """How long the server wants us to wait before the next attempt; raises where there must be none."""
        code, status = error.code or "", error.status_code
        if code in MODERATED:
            raise ReplyRefusedError(
                "The server's safety system refused the prompt or the picture.", "refused", billed=billed
            ) from None
        if code in OUT_OF_MONEY:
            raise NeedsPersonError("The API account has run out of quota; add credit, then go on.") from None
        if status == 401:
            raise NeedsPersonError(
                "The API key was not accepted; check OPENAI_API_KEY where the worker starts."
            ) from None
        if code == "model_not_found" or status == 404:
            raise NeedsPersonError(self._no_such_model()) from None
        if status == 403:
            raise NeedsPersonError(f"The API account may not use {self.model}.") from None
        if status not in {408, 409, 429} and status < 500:
            raise EngineError(
                f"The API does not accept this request ({status} {code or 'no code'})."
            ) from None
        return seconds_of(error.response.headers.get("retry-after"))

    def _no_such_model(self) -> str:
        sentence = f"The server has no model {self.model}"
        if self.model in RETIRED:
            return f"{sentence}; OpenAI has retired it, its successors are {SUCCESSORS}."
        return f"{sentence}; check its name and OPENAI_BASE_URL."


def _was_sent(error: Exception) -> bool:
    """False only where the connection was never made, so that nothing can have been charged."""
    return type(error.__cause__).__name__ not in {"ConnectError", "ConnectTimeout", "PoolTimeout"}
