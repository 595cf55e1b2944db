"""How log lines look, and what must not stand in them: tokens, sign-in links, addresses of people."""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from typing import Any

from celery.signals import task_postrun, task_prerun
from pythonjsonlogger.json import JsonFormatter

TOKEN = re.compile(r"/(i|enter)/[^\s/?]+|(/rate)/[^\s/?]+")
ADDRESS = re.compile(r"[\w.+'-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# What each line of a request or a job carries beside its message, where logs are JSON.
log_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)
FIELDS = frozenset(
    {"asctime", "levelname", "name", "time", "level", "logger", "message", "exc_info"}
    | {"view", "method", "status", "seconds"}
)


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


class AsJson(JsonFormatter):
    """One object a line: time, level, logger, message, and the request or the job it belongs to."""

    def __init__(self) -> None:
        renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__("{asctime}{levelname}{name}{message}", style="{", rename_fields=renamed)

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        for field in log_data.keys() - FIELDS:  # such as Django's request, whose path may hold a token
            del log_data[field]
        log_data.update(log_context.get() or {})
        # Before they are JSON: there “\n” and “\u00e9” would be taken for letters of an address that follows.
        for field, value in log_data.items():
            if isinstance(value, str):
                log_data[field] = without_addresses(value)


@task_prerun.connect
def mark_lines_of_task(task_id: str = "", task: Any = None, args: Any = (), **_: Any) -> None:
    log_context.set(
        {"task": task_id, "name": getattr(task, "name", ""), **({"job": str(args[0])} if args else {})}
    )


@task_postrun.connect
def end_lines_of_task(**_: Any) -> None:
    log_context.set(None)


def without_tokens(text: str) -> str:
    return TOKEN.sub(lambda match: f"/{match[1]}/…" if match[1] else "/rate/…", text)


def without_addresses(text: str) -> str:
    return ADDRESS.sub("…@…", text)
