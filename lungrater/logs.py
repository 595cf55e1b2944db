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


class AsLine(logging.Formatter):
    """One line of text, and the traceback below it, cut as a whole: a mail server's refusal names the mailbox."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class AsJson(JsonFormatter):
    """One object a line: time, level, logger, message, and the request or the job it belongs to."""

    def __init__(self) -> None:
        renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__("{asctime}{levelname}{name}{message}", style="{", rename_fields=renamed)

    def add_fields(
        self, log_data: dict[str, object], record: logging.LogRecord, message_dict: dict[str, object]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        for field in log_data.keys() - FIELDS:  # such as Django's request, whose path may hold a token
            del log_data[field]
        log_data.update(log_context.get() or {})
        # Before they are JSON: there “\n” and “\u00e9” would be taken for letters of an address that follows.
        for field, value in log_data.items():
            if isinstance(value, str):
                log_data[field] = without_secrets(value)


@task_prerun.connect
def mark_lines_of_task(task_id: str = "", task: Any = None, args: Any = (), **_: Any) -> None:
    log_context.set(
        {"task": task_id, "name": getattr(task, "name", ""), **({"job": str(args[0])} if args else {})}
    )


@task_postrun.connect
def end_lines_of_task(**_: Any) -> None:
    log_context.set(None)


def without_secrets(text: str) -> str:
    """The text without image tokens, sign-in links and addresses of people."""
    return ADDRESS.sub("…@…", TOKEN.sub(lambda match: f"/{match[1]}/…" if match[1] else "/rate/…", text))
