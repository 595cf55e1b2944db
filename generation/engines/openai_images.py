"""The API engine: OpenAI's Images API, or any server that speaks it.

The key is read here, in the worker, and goes nowhere but into the Authorization header. A link in a reply is
never followed, and a picture from the API passes the same decoder as an uploaded file.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import environ

from generation.engines.image_models import family_of
from generation.engines.protocol import EngineError, GenerationRequest, Picture, Refusal
from generation.engines.retrying import Patience, ReplyRefusedError, Retrying
from pool.decoding import Decoder
from pool.pixels import RefusedImage

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import ImagesResponse

OFFICIAL = "https://api.openai.com/v1"
SECONDS_PER_REPLY = 180.0
AT_ONCE = 2
PULSE = 1.0


def api_key() -> str:
    """The key of OPENAI_API_KEY or of the file OPENAI_API_KEY_FILE. Raises EngineError without one."""
    key = environ.FileAwareEnv().str("OPENAI_API_KEY", default="").strip()
    if not key:
        raise EngineError("This worker has no OPENAI_API_KEY; set it where the worker starts.")
    return str(key)


@dataclass(frozen=True)
class OpenAIImagesEngine:
    """One request a picture, so that each is kept, refused or paid for by itself."""

    model: str
    base_url: str = OFFICIAL
    patience: Patience = field(default_factory=Patience)
    seconds_per_reply: float = SECONDS_PER_REPLY

    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Iterator[Picture | Refusal]:
        if not request.prompt.strip():
            raise EngineError("The Images API needs a prompt.")
        wanted = family_of(self.model).parameters(self.model, dict(request.settings))
        stop = threading.Event()
        with self._client() as client, Decoder() as decoder, ThreadPoolExecutor(AT_ONCE) as threads:
            asking = _Asking(client, Retrying(self.patience, stop, self.model), request.prompt, wanted)
            replies = _Replies(self, decoder, request, wanted)
            try:
                for index in indices:
                    replies.waiting[threads.submit(asking.ask)] = index
                    while len(replies.waiting) >= AT_ONCE:
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
        from openai import DefaultHttpxClient, OpenAI

        return OpenAI(
            api_key=api_key(),
            base_url=self.base_url,
            timeout=self.seconds_per_reply,
            max_retries=0,  # the SDK's own retries would repeat what may have been paid for
            http_client=DefaultHttpxClient(follow_redirects=False),
        )


@dataclass(frozen=True)
class _Asking:
    client: OpenAI
    retrying: Retrying
    prompt: str
    wanted: dict[str, Any]

    def ask(self) -> ImagesResponse:
        return self.retrying.call(lambda: self.client.images.generate(prompt=self.prompt, **self.wanted))


@dataclass(frozen=True)
class _Replies:
    """The requests under way, each with the index it is for, and what their replies turn into."""

    engine: OpenAIImagesEngine
    decoder: Decoder
    request: GenerationRequest
    wanted: dict[str, Any]
    waiting: dict[Future[ImagesResponse], int] = field(default_factory=dict)

    def arrived(self) -> Iterator[Picture | Refusal]:
        """What came within one pulse; the job's heart goes on beating while a slow reply is awaited."""
        done, _ = wait(self.waiting, timeout=PULSE, return_when=FIRST_COMPLETED)
        for future in done:
            yield self._answer(self.waiting.pop(future), future)
        self.request.heartbeat()

    def last(self) -> Iterator[Picture | Refusal]:
        """The pictures of the requests already sent; what was refused or failed now is asked again later."""
        for future, index in self.waiting.items():
            if not future.cancel() and future.exception() is None:
                yield self._answer(index, future)

    def _answer(self, index: int, future: Future[ImagesResponse]) -> Picture | Refusal:
        try:
            return self._picture(index, future.result())
        except ReplyRefusedError as refused:
            return Refusal(index, None, str(refused), refused.outcome)
        except RefusedImage as error:
            return Refusal(index, None, f"The server's picture was not taken: {error}", "failed")

    def _picture(self, index: int, reply: ImagesResponse) -> Picture:
        image = reply.data[0] if reply.data else None
        if image is None or not image.b64_json:
            linked = "a link, which LungRater never follows," if image and image.url else "nothing"
            raise RefusedImage(f"it sent {linked} in place of a picture.")
        try:
            data = base64.b64decode(image.b64_json, validate=True)
        except binascii.Error as error:
            raise RefusedImage("its base64 text is damaged or cut short.") from error
        pixels = self.decoder.decode(data, "reply.png").pixels
        shown = f"{pixels.shape[1]}x{pixels.shape[0]}"
        if self.wanted["size"] not in {"auto", shown}:
            raise RefusedImage(f"it is {shown}, but {self.wanted['size']} was asked for.")
        facts = {
            "engine": "openai",
            **{name: value for name, value in self.wanted.items() if name != "n"},
            "prompt": self.request.prompt,
            "revised_prompt": image.revised_prompt or "",
            "server": urlsplit(self.engine.base_url).hostname or "",
            "request_id": reply._request_id or "",
            "created": reply.created,
        }
        return Picture(index, None, pixels, facts)
