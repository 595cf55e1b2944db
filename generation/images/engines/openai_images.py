"""The API engine: OpenAI's Images API, or any server that speaks it.

The key is read here, in the worker, and goes nowhere but into the Authorization header. A link in a reply is
never followed, and an image from the API passes the same decoder as an uploaded file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import environ

from generation.images.engines.image_models import family_of
from generation.images.engines.image_reply import image_reply, usage_of
from generation.images.engines.protocol import (
    Answers,
    EngineError,
    EngineImage,
    GenerationRequest,
    NeedsPersonError,
    Refusal,
)
from generation.images.engines.retry import Answered, ReplyRefusedError, Retrying
from outbound.retry import Patience
from outbound.transport import Bounds, api_client
from pool.canonical.pixels import RefusedImageError
from pool.imports.decoding import Decoder, Hints

if TYPE_CHECKING:
    from openai import OpenAI

OFFICIAL = "https://api.openai.com/v1"
SECONDS_PER_REPLY = 180.0
AT_ONCE = 2
# The largest image of today, 4096 × 4096 and hardly packed, as base64; a longer reply is no image.
MOST_BYTES = 2**27
PULSE = 1.0
# After so many replies in a row that were paid for and of no use, a person must look before more are.
MOST_UNUSABLE = 2


def api_key() -> str:
    """The key of OPENAI_API_KEY or of the file OPENAI_API_KEY_FILE. Raises NeedsPersonError without one."""
    key = environ.FileAwareEnv().str("OPENAI_API_KEY", default="").strip()
    if not key:
        raise NeedsPersonError("This worker has no OPENAI_API_KEY; set it where the worker starts.")
    return str(key)


@dataclass(frozen=True)
class OpenAIImagesEngine:
    """One request an image, so that each is kept, refused or paid for by itself."""

    model: str
    base_url: str = OFFICIAL
    patience: Patience = field(default_factory=Patience)
    seconds_per_reply: float = SECONDS_PER_REPLY
    pace: Callable[[str], float] = lambda _key: 0.0
    """How many seconds from now this key's next request may leave."""

    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Answers:
        if not request.image_spec(0).prompt.strip():
            raise EngineError("The Images API needs a prompt.")
        family = family_of(self.model)
        parameters = family.parameters(self.model, request.settings)
        if request.source and not family.edits:
            raise EngineError(f"{self.model} does not edit images here; a gpt-image model does.")
        stop = threading.Event()
        with self._client() as client, Decoder() as decoder, ThreadPoolExecutor(AT_ONCE) as threads:
            retrying = Retrying(self.patience, stop, self.model, secret=client.api_key)
            asking = _Asking(client, retrying, parameters, request.source)
            replies = _Replies(self, decoder, request, parameters)
            try:
                for index in indices:
                    yield from replies.until_turn(self.pace(client.api_key), stop)
                    request.may_stop()
                    replies.check_use()
                    request.before_sending(index)
                    replies.waiting[threads.submit(asking.ask, request.image_spec(index).prompt)] = index
                    # After a reply of no use, the one under way is awaited before another is paid for.
                    while len(replies.waiting) >= (1 if replies.unusable else AT_ONCE):
                        yield from replies.arrived()
                while replies.waiting:
                    yield from replies.arrived()
            except Exception:
                stop.set()
                yield from replies.last()  # what is paid for is kept, whatever stopped the job
                raise
            finally:
                stop.set()  # ends every pause between two attempts

    def _client(self) -> OpenAI:
        from openai import OpenAI

        bounds = Bounds(self.seconds_per_reply, MOST_BYTES, read_seconds=self.seconds_per_reply)
        return OpenAI(
            api_key=api_key(),
            base_url=self.base_url,
            timeout=self.seconds_per_reply,
            max_retries=0,  # the SDK's own retries would repeat what may have been paid for
            http_client=api_client(self.base_url, bounds),
        )


@dataclass(frozen=True)
class _Asking:
    client: OpenAI
    retrying: Retrying
    arguments: dict[str, object]
    source: bytes

    def ask(self, prompt: str) -> Answered:
        images = self.client.images
        if self.source:
            start = ("image.png", self.source, "image/png")
            return self.retrying.call(partial(images.edit, image=start, prompt=prompt), self.arguments)
        return self.retrying.call(partial(images.generate, prompt=prompt), self.arguments)


@dataclass
class _Replies:
    """The requests under way, each with the index it is for, and what their replies turn into."""

    engine: OpenAIImagesEngine
    decoder: Decoder
    request: GenerationRequest
    arguments: dict[str, object]
    waiting: dict[Future[Answered], int] = field(default_factory=dict)
    unusable: int = 0  # in a row
    why: str = ""

    def check_use(self) -> None:
        """Raises NeedsPersonError where the last replies were all of no use: the next would be paid for in vain."""
        if self.unusable >= MOST_UNUSABLE:
            raise NeedsPersonError(
                f"The last {self.unusable} replies were paid for and could not be used ({self.why}) Nothing more is "
                "asked for, so that nothing more is paid; see to the server or the settings, then go on."
            )

    def arrived(self) -> Iterator[EngineImage | Refusal]:
        """What came within one pulse; the job's heart goes on beating while a slow reply is awaited."""
        done, _ = wait(self.waiting, timeout=PULSE, return_when=FIRST_COMPLETED)
        for future in done:
            yield self._answer(self.waiting.pop(future), future)
        self.request.heartbeat()

    def until_turn(self, seconds: float, stop: threading.Event) -> Iterator[EngineImage | Refusal]:
        """Wait for the key's turn; what arrives meanwhile is handed on."""
        turn = time.monotonic() + seconds
        while (seconds_left := turn - time.monotonic()) > 0:
            if self.waiting:
                yield from self.arrived()
            else:
                stop.wait(min(seconds_left, PULSE))
                self.request.heartbeat()

    def last(self) -> Iterator[EngineImage | Refusal]:
        """What the requests already sent brought and cost; what brought nothing is asked again later."""
        for future, index in self.waiting.items():
            if future.cancel():
                continue
            answer = self._answer(index, future) if _has_reply(future) else None
            if answer is not None:
                yield answer

    def _answer(self, index: int, future: Future[Answered]) -> EngineImage | Refusal:
        try:
            answered = future.result()
        except ReplyRefusedError as refused:
            if refused.is_unusable:
                self._count_unusable(str(refused))
            return Refusal(index, None, str(refused), refused.outcome, refused.billed)
        try:
            image = self._image(index, answered)
        except RefusedImageError as error:
            why = f"The server's image was not taken: {error}"
            self._count_unusable(why)
            return Refusal(index, None, why, "failed", answered.billed, usage_of(answered.reply))
        self.unusable = 0
        return image

    def _count_unusable(self, why: str) -> None:
        self.unusable, self.why = self.unusable + 1, why

    def _image(self, index: int, answered: Answered) -> EngineImage:
        reply = image_reply(answered.reply)
        pixels = self.decoder.decode(reply.data, "reply.png", Hints(may_be_even=True)).pixels
        size_in_words = f"{pixels.shape[1]}x{pixels.shape[0]}"
        if self.arguments["size"] not in {"auto", size_in_words}:
            raise RefusedImageError(f"it is {size_in_words}, but {self.arguments['size']} was asked for.")
        facts = {
            "engine": "openai",
            **{name: value for name, value in self.arguments.items() if name not in {"n", *answered.dropped}},
            "prompt": self.request.image_spec(index).prompt,
            "revised_prompt": reply.revised_prompt,
            "server": urlsplit(self.engine.base_url).hostname or "",
            "request_id": reply.request_id,
            "created": reply.created,
            **{f"resolved_{name}": value for name, value in reply.resolved.items()},
            **({"usage": dict(reply.usage)} if reply.usage else {}),
        }
        if self.request.settings.get("edit_of"):
            facts["edit_of"] = str(self.request.settings["edit_of"])
        return EngineImage(index, None, pixels, facts, answered.billed, reply.usage)


def _has_reply(future: Future[Answered]) -> bool:
    """Whether a finished request brought an image, or may have cost money without one."""
    error = future.exception()
    return error is None or (isinstance(error, ReplyRefusedError) and error.billed > 0)
