"""What must not stand in a log: tokens, sign-in links, addresses of people."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"/(i|enter)/[^\s/?]+|(/rate)/[^\s/?]+")
ADDRESS = re.compile(r"[\w.+'-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


class WithoutTokens(logging.Filter):
    """Cuts image tokens and sign-in links out of logged addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and any(isinstance(arg, str) for arg in record.args):
            record.args = tuple(without_tokens(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


class WithoutAddresses(logging.Formatter):
    """Cuts addresses of people out of the line, the traceback included: a mail server's refusal names the mailbox."""

    def format(self, record: logging.LogRecord) -> str:
        return without_addresses(super().format(record))


def without_tokens(text: str) -> str:
    return TOKEN.sub(lambda match: f"/{match[1]}/…" if match[1] else "/rate/…", text)


def without_addresses(text: str) -> str:
    return ADDRESS.sub("…@…", text)
