"""What of an error leaves this site: a list of what may, not of what may not.

An exception's message, a log line's words and a frame's variables may hold anything that a person typed, the name of
a file, a query's parameters, a prompt or a key; where it happened, of which kind it was and in which request or job
cannot. The whole line stands in the site's own log, under the same request or task.
"""

from __future__ import annotations

from typing import Any, cast

from sentry_sdk.types import Event, Hint

from lungrater.logs import log_context

# What the SDK itself writes, and no code of a page or a job can.
PLAIN = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "sdk")
FRAME = ("filename", "function", "module", "lineno", "in_app")
MARKS = ("request", "view", "task", "name", "job")


def scrubbed(event: Event, hint: Hint) -> Event:
    """A new event, of what may leave alone; its tags say which request or job, its user is a pseudonym."""
    marks = log_context.get() or {}
    report = cast("Event", {field: value for field, value in event.items() if field in PLAIN})
    report["tags"] = {mark: marks[mark] for mark in MARKS if mark in marks}
    if "person" in marks:
        report["user"] = {"id": marks["person"]}
    if errors := event.get("exception", {}).get("values"):
        report["exception"] = {"values": [_error(error) for error in errors]}
    elif record := hint.get("log_record"):
        report["logentry"] = {"formatted": f"An error is logged by {record.name}, line {record.lineno}"}
    return report


def _error(error: Any) -> dict[str, object]:
    frames = (error.get("stacktrace") or {}).get("frames") or []
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "stacktrace": {"frames": [{key: frame.get(key) for key in FRAME} for frame in frames]},
    }


def dropped(_event: object, _hint: object) -> None:
    """Nothing of it is sent: breadcrumbs are of queries, requests and log lines, transactions of paths."""
