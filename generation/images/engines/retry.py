"""When a call to the Images API is tried again, when an image is given up, and when the whole job is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from generation.images.engines.image_models import RETIRED, SUCCESSORS
from generation.images.engines.protocol import EngineError, NeedsPersonError
from generation.images.engines.server_sentence import sentence_of
from outbound.retry import Patience, seconds_of
from outbound.transport import ReplyTooLargeError

if TYPE_CHECKING:
    from openai import APIStatusError
    from openai.types import ImagesResponse

# OpenAI's own, Azure's, and what gateways in front of either send.
MODERATED = {
    *("moderation_blocked", "content_policy_violation", "content_filter", "contentfilter"),
    "responsibleaipolicyviolation",
}
# Some say it in words alone.
MODERATED_WORDS = ("safety system", "content policy", "content management policy")
NO_SETTINGS: Mapping[str, object] = {}
# Settings that a server may never have heard of and can do without: it is asked again without them.
CAN_BE_DROPPED = {"response_format", "output_format", "quality"}
OUT_OF_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}
MAY_BE_BILLED = "The server gave no answer in time; the image may have been made and billed."

NOT_A_REPLY = "The server's answer is not an Images API reply."
TOO_LARGE = "The server's answer is larger than an image can be."
# What the SDK runs into where JSON has another shape than it believes.
SHAPES = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


class ReplyRefusedError(Exception):
    """This one image will not come; the others may."""

    def __init__(
        self,
        reason: str,
        outcome: Literal["refused", "failed"],
        *,
        billed: int = 0,
        is_unusable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.is_unusable = is_unusable  # whether the server answered, and with nothing that an image could be
        self.outcome: Literal["refused", "failed"] = outcome
        self.billed = billed


@dataclass(frozen=True)
class Answered:
    """A reply, and how many requests it took that were or may have been charged."""

    reply: ImagesResponse
    billed: int
    dropped: frozenset[str] = frozenset()  # settings that the server did not know


@dataclass(frozen=True)
class Retrying:
    patience: Patience
    stop: threading.Event
    model: str
    secret: str = ""  # the key, which a server's sentence may hold

    def call(
        self, ask: Callable[..., ImagesResponse], arguments: Mapping[str, object] = NO_SETTINGS
    ) -> Answered:
        """The reply, after as many attempts as are safe. Raises ReplyRefusedError or EngineError.

        Every error is raised from None: the SDK's own exceptions carry the request, and with it the key.
        """
        from openai import APIConnectionError, APIError, APIStatusError

        unanswered, dropped = 0, frozenset[str]()
        for attempt in range(self.patience.attempts):
            retry_after = None
            try:
                fields = {name: value for name, value in arguments.items() if name not in dropped}
                return Answered(ask(**fields), unanswered + 1, dropped)
            except APIStatusError as error:
                if unknown := _unknown_setting(error, arguments.keys() - dropped):
                    dropped |= {unknown}
                    continue
                retry_after = self._judge(error, billed=unanswered)
                problem = self._with_sentence(
                    f"The server answered {error.status_code} to every attempt", error
                )
            except APIConnectionError as error:
                problem = "The server cannot be reached."
                if _was_sent(error):
                    # At most one repeat: each may cost money.
                    problem, unanswered = MAY_BE_BILLED, unanswered + 1
                    if unanswered > 1:
                        raise ReplyRefusedError(problem, "failed", billed=unanswered) from None
            except ReplyTooLargeError:  # it would be as large the next time
                raise ReplyRefusedError(
                    TOO_LARGE, "failed", billed=unanswered + 1, is_unusable=True
                ) from None
            except (APIError, *SHAPES):
                raise ReplyRefusedError(
                    NOT_A_REPLY, "failed", billed=unanswered + 1, is_unusable=True
                ) from None
            if self.stop.wait(self.patience.pause(attempt, retry_after=retry_after)):
                break
        raise ReplyRefusedError(problem, "failed", billed=unanswered)

    def _judge(self, error: APIStatusError, *, billed: int = 0) -> float | None:
        """How long the server wants us to wait before the next attempt; raises where there must be none."""
        code, status = error.code or "", error.status_code
        if is_moderation(error):
            sentence = self._with_sentence(
                "The server's safety system refused the prompt or the image", error
            )
            raise ReplyRefusedError(sentence, "refused", billed=billed) from None
        if code in OUT_OF_MONEY:
            raise NeedsPersonError("The API account has run out of quota; add credit, then go on.") from None
        if status == 401:
            raise NeedsPersonError(
                "The API key was not accepted; check OPENAI_API_KEY where the worker starts."
            ) from None
        if code == "model_not_found" or status == 404:
            raise NeedsPersonError(self._no_such_model()) from None
        if status == 403:
            raise NeedsPersonError(
                self._with_sentence(f"The API account may not use {self.model}", error)
            ) from None
        if status not in {408, 409, 429} and status < 500:
            problem = f"The API does not accept this request ({status} {code or 'no code'})"
            raise EngineError(self._with_sentence(problem, error)) from None
        return seconds_of(error.response.headers.get("retry-after"))

    def _with_sentence(self, problem: str, error: APIStatusError) -> str:
        """The problem, and what the server itself says of it."""
        sentence = sentence_of(error.body, secret=self.secret)
        return f"{problem}; it says: “{sentence}”" if sentence else f"{problem}."

    def _no_such_model(self) -> str:
        sentence = f"The server has no model {self.model}"
        if self.model in RETIRED:
            return f"{sentence}; OpenAI has retired it, its successors are {SUCCESSORS}."
        return f"{sentence}; check its name and OPENAI_BASE_URL."


def is_moderation(error: APIStatusError) -> bool:
    """Whether this prompt was refused for what it asks for, by code or, with a 400, in words."""
    code = (error.code or "").lower()
    sentence = sentence_of(error.body).lower()
    return code in MODERATED or (
        error.status_code == 400 and any(words in sentence for words in MODERATED_WORDS)
    )


def _unknown_setting(error: APIStatusError, settings: Collection[str]) -> str | None:
    """The setting of this request that the server does not know and the image can be had without."""
    if error.status_code != 400 or error.code not in {"unknown_parameter", "unsupported_parameter"}:
        return None
    sentence = sentence_of(error.body)
    return next(
        (name for name in sorted(CAN_BE_DROPPED & set(settings)) if error.param == name or name in sentence),
        None,
    )


def _was_sent(error: Exception) -> bool:
    """False only where the connection was never made, so that nothing can have been charged."""
    return type(error.__cause__).__name__ not in {"ConnectError", "ConnectTimeout", "PoolTimeout"}
