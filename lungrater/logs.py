"""What must not stand in a log."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"/(i|enter)/[^\s/?]+|(/rate)/[^\s/?]+")


class WithoutTokens(logging.Filter):
    """Cuts image tokens and sign-in links out of logged addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and any(isinstance(arg, str) for arg in record.args):
            record.args = tuple(without_tokens(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


def without_tokens(text: str) -> str:
    return TOKEN.sub(lambda match: f"/{match[1]}/…" if match[1] else "/rate/…", text)
