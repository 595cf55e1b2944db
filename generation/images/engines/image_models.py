"""What each family of image models accepts, from the types and docstrings of the OpenAI SDK 3.52."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generation.images.engines.protocol import EngineError, EngineSettings

SIZE = re.compile(r"[1-9]\d{1,3}x[1-9]\d{1,3}")
# OpenAI's own service closed dall-e-2 and dall-e-3 on 2026-05-12 and gpt-image-1 on 2026-10-23.
RETIRED = ("dall-e-2", "dall-e-3", "gpt-image-1")
SUCCESSORS = "gpt-image-2, gpt-image-2.5-… and gpt-image-2.6-…"


@dataclass(frozen=True)
class Family:
    """`sizes` empty: any WIDTHxHEIGHT; `asks_base64`: the model would send a link unless told otherwise."""

    prefix: str
    sizes: tuple[str, ...]
    default_size: str
    qualities: tuple[str, ...] = ()
    asks_base64: bool = False
    asks_png: bool = False
    edits: bool = False

    def parameters(self, model: str, settings: EngineSettings) -> dict[str, object]:
        """The keyword arguments of `images.generate` besides the prompt. Raises EngineError."""
        size = str(settings.get("size") or self.default_size)
        quality = str(settings.get("quality") or "")
        if (self.sizes and size not in self.sizes) or not (size == "auto" or SIZE.fullmatch(size)):
            fitting = ", ".join(self.sizes) or "WIDTHxHEIGHT in pixels"
            raise EngineError(f"{model} does not make images of size {size}; it makes: {fitting}.")
        if quality and quality not in self.qualities:
            fitting = ", ".join(self.qualities) or "none"
            raise EngineError(f"{model} has no quality {quality!r}; it has: {fitting}.")
        arguments: dict[str, object] = {"model": model, "n": 1, "size": size}
        if quality:
            arguments["quality"] = quality
        if self.asks_base64:
            arguments["response_format"] = "b64_json"
        if self.asks_png:
            arguments["output_format"] = "png"
        return arguments


GPT_SIZES = ("auto", "1024x1024", "1536x1024", "1024x1536")
GPT_QUALITIES = ("auto", "low", "medium", "high")
FAMILIES = (
    Family(
        "dall-e-2",
        ("256x256", "512x512", "1024x1024"),
        "1024x1024",
        asks_base64=True,
    ),
    Family(
        "dall-e-3",
        ("1024x1024", "1792x1024", "1024x1792"),
        "1024x1024",
        qualities=("standard", "hd"),
        asks_base64=True,
    ),
    Family(
        "gpt-image-2.5",
        (),
        "1024x1024",
        qualities=(*GPT_QUALITIES, "xhigh", "max"),
        asks_png=True,
        edits=True,
    ),
    Family("gpt-image-2", (), "1024x1024", qualities=GPT_QUALITIES, asks_png=True, edits=True),
    Family("gpt-image-", GPT_SIZES, "1024x1024", qualities=GPT_QUALITIES, asks_png=True, edits=True),
    Family("chatgpt-image-", GPT_SIZES, "1024x1024", qualities=GPT_QUALITIES, asks_png=True, edits=True),
)
# A model we have never heard of, on a server that speaks the same API.
COMPATIBLE = Family("", (), "512x512", asks_base64=True)
SUGGESTED_MODELS = ("gpt-image-2", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare", "dall-e-3", "dall-e-2")


def family_of(model: str) -> Family:
    return next((family for family in FAMILIES if model.startswith(family.prefix)), COMPATIBLE)
