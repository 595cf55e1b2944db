"""A vision model behind an OpenAI-compatible endpoint as a rater, asked with one fixed prompt.

It is sent the blinded image, the instructions that raters read, and how to answer; never a name, a code or a count.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from generation.images.engines.openai_images import OFFICIAL, api_key
from generation.images.engines.retry import ReplyRefusedError, Retrying
from outbound.retry import Patience
from outbound.transport import Bounds, api_client
from pool.canonical.pixels import encode_png
from rating.reading.machine_raters import CONFIDENCES, ImagePixels, NoOpinionError, Opinion

SECONDS_PER_REPLY = 120.0
BOUNDS = Bounds(SECONDS_PER_REPLY, 2**22, read_seconds=SECONDS_PER_REPLY)
LABELS = ("real", "fake", "unsure")
HOW_TO_ANSWER = (
    "You are one of several readers of a blinded study. You are shown one medical image. Decide whether it is real, "
    "that is of a patient, or fake, that is made by a computer, or say that you are unsure. Answer with one JSON object "
    'and nothing else: {"label": "real" or "fake" or "unsure", "confidence": a whole number from 1 (a guess) to 5 '
    '(certain), "remark": what you see, in at most twenty words}.'
)
OBJECT = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True)
class VisionLooker:
    """One request an image; every answer that is not understood leaves the image unrated."""

    model: str
    instructions: str = ""
    base_url: str = OFFICIAL
    patience: Patience = field(default_factory=Patience)

    @property
    def name(self) -> str:
        return f"{self.model} at {urlsplit(self.base_url).hostname}"

    @property
    def prompt(self) -> str:
        return f"{HOW_TO_ANSWER}\n\nWhat the readers were told: {self.instructions}".strip()

    @property
    def facts(self) -> dict[str, object]:
        """How it is asked, for the study's log; the key is not among it."""
        digest = hashlib.sha256(self.prompt.encode()).hexdigest()
        return {"model": self.model, "prompt": self.prompt, "prompt_sha256": digest}

    def look(self, image: ImagePixels) -> Opinion:
        from openai import OpenAI

        address = f"data:image/png;base64,{base64.b64encode(encode_png(image)).decode()}"
        messages: Any = [
            {"role": "system", "content": self.prompt},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": address}}]},
        ]
        # The SDK's own retries are off: what has been sent may have been paid for.
        with OpenAI(
            api_key=api_key(),
            base_url=self.base_url,
            timeout=SECONDS_PER_REPLY,
            max_retries=0,
            http_client=api_client(self.base_url, BOUNDS),
        ) as client:
            retrying = Retrying(self.patience, threading.Event(), self.model, secret=client.api_key)

            def ask() -> Any:
                return client.chat.completions.create(model=self.model, messages=messages)

            try:
                reply = cast("Any", retrying.call(ask).reply)
            except ReplyRefusedError as refused:
                raise NoOpinionError(str(refused)) from None
        return opinion_in(_content(reply))


def _content(reply: Any) -> str:
    """The text in a reply of any shape: the SDK believes what a server sends."""
    choices = getattr(reply, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    content = getattr(getattr(choice, "message", None), "content", None)
    return content if isinstance(content, str) else ""


def opinion_in(text: str) -> Opinion:
    """The opinion in a model's answer. Raises NoOpinionError."""
    match = OBJECT.search(text)
    try:
        answer = json.loads(match.group()) if match else None
    except ValueError:
        answer = None
    label = str(answer.get("label", "")).strip().lower() if isinstance(answer, dict) else ""
    if not isinstance(answer, dict) or label not in LABELS:
        raise NoOpinionError("The model's answer names none of real, fake and unsure.")
    sure = answer.get("confidence")
    is_sure = isinstance(sure, int) and not isinstance(sure, bool) and 1 <= sure <= CONFIDENCES
    return Opinion(label, sure if is_sure else None, " ".join(str(answer.get("remark") or "").split()))
