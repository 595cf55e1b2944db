"""What is used of a reply of the Images API, whatever its shape: the SDK believes what a server sends."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from pool.canonical.pixels import RefusedImageError

# What a reply may say of the image beside it: what was asked as “auto” has become one of these.
RESOLVED = ("size", "quality", "background", "output_format")
DATA_LINK = "data:image/"


@dataclass(frozen=True)
class ImageReply:
    """Each part of the type it should have, or empty."""

    encoded: str
    revised_prompt: str
    request_id: str
    created: int | None
    usage: Mapping[str, int] = field(default_factory=dict)
    resolved: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The image's file. Raises RefusedImageError."""
        text = self.encoded
        if text.startswith("data:"):
            text = text.partition(",")[2]
        text = "".join(text.split())
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise RefusedImageError("its base64 text is damaged or cut short.") from error


def image_reply(reply: object) -> ImageReply:
    """The first image of a reply of any shape. Raises RefusedImageError."""
    images = getattr(reply, "data", None)
    image = images[0] if isinstance(images, list) and images else None
    encoded, link = getattr(image, "b64_json", None), getattr(image, "url", None)
    if not encoded and isinstance(link, str) and link.startswith(DATA_LINK):
        encoded = link  # the image itself, written as a link
    if not isinstance(encoded, str) or not encoded:
        linked = "a link, which LungRater never follows," if link else "nothing"
        raise RefusedImageError(f"it sent {linked} in place of an image.")
    created = getattr(reply, "created", None)
    return ImageReply(
        encoded,
        _text(getattr(image, "revised_prompt", None)),
        _text(getattr(reply, "_request_id", None)),
        created if type(created) is int else None,
        usage_of(reply),
        {name: text for name in RESOLVED if (text := _text(getattr(reply, name, None)))},
    )


def usage_of(reply: object) -> dict[str, int]:
    """The tokens that a reply says it cost, also where its image is of no use; what is no count is left out."""
    usage = getattr(reply, "usage", None)
    details = getattr(usage, "input_tokens_details", None)
    counts = {
        "input_tokens": getattr(usage, "input_tokens", None),
        "input_image_tokens": getattr(details, "image_tokens", None),
        "output_tokens": getattr(usage, "output_tokens", None),
    }
    return {name: count for name, count in counts.items() if type(count) is int and count >= 0}


def _text(value: object) -> str:
    """Without NUL, which no database takes."""
    return value.replace("\0", "") if isinstance(value, str) else ""
