"""No token, no sign-in link and nothing a person typed reaches a log; as JSON, each line knows its request."""

import importlib
import json
import logging
import socket
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from gunicorn.config import Config
from gunicorn.http.errors import InvalidChunkSize, InvalidHeader, InvalidRequestLine
from gunicorn.workers.base import Worker

from accounts.models import User
from lungrater.embedded import metrics_folder
from lungrater.embedded.web_log import WebLog
from lungrater.logs import AsJson, AsLine, log_context


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["login_link", "rating:presented"])
def test_a_token_asked_for_in_vain_is_not_logged(client, caplog, page):
    with caplog.at_level(logging.WARNING):
        client.get(reverse(page, args=["s3cret-token"]))

    assert caplog.records
    assert not any("s3cret-token" in AsLine().format(record) for record in caplog.records)


def refused(path):
    """A line that names the path where it was written and in its traceback."""
    try:
        raise ValueError(f"no row for {path}")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    return logging.makeLogRecord(
        {"msg": f"refused {path}", "levelname": "ERROR", "exc_info": exc_info, "args": ()}
    )


@pytest.mark.parametrize("formatter", [AsLine(), AsJson()], ids=["line", "JSON"])
@pytest.mark.parametrize("path", ["/i/s3cret", "/enter/s3cret", "/rate/s3cret/"])
def test_a_token_written_into_a_message_or_a_traceback_is_cut_out_of_the_whole_line(formatter, path):
    line = formatter.format(refused(path))

    assert "refused /" in line
    assert "no row for /" in line
    assert "s3cret" not in line


def test_what_a_refused_row_holds_is_not_in_the_log_of_the_embedded_database(researcher):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(researcher.email, last_name="Unmentionable")

    log = (settings.HOME.logs / "postgres.log").read_text()

    assert "duplicate key value violates unique constraint" in log
    assert "Unmentionable" not in log
    assert researcher.email not in log


class Lines(logging.Handler):
    """Each line as an object, as LOG_FORMAT=json writes it."""

    def __init__(self):
        super().__init__()
        self.setFormatter(AsJson())
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines():
    handler = Lines()
    requests = logging.getLogger("lungrater.monitoring.requests")
    requests.setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)
    requests.setLevel(logging.WARNING)


@pytest.mark.django_db
def test_a_request_leaves_one_line_of_its_view_and_nobody_is_named_in_it(client_of, rater, lines):
    client_of(rater).get(reverse("rating:presented", args=["s3cret-token"]))

    (answered,) = [line for line in lines if line["message"] == "answered"]
    assert (answered["view"], answered["method"], answered["status"]) == ("rating:presented", "GET", 404)
    assert answered["request"]
    assert answered["person"]
    assert len(lines) > 1, "Django's own line stands beside it"
    assert "s3cret" not in str(lines)
    assert rater.email not in str(lines)


@pytest.mark.django_db
def test_one_person_has_one_word_and_another_another(client_of, rater, other_rater, lines):
    for person in (rater, other_rater, rater):
        client_of(person).get(reverse("rating:reading_list"))

    first, second, third = [line["person"] for line in lines if line["message"] == "answered"]
    assert first == third != second


@pytest.mark.parametrize(
    ("message", "logged"),
    [
        ("refused:\nann@example.org", "refused:\n…@…"),
        ("to\tann@example.org", "to\t…@…"),
        ("no mailbox josé.garcía@example.org", "no mailbox …@…"),
    ],
)
def test_an_address_is_cut_out_whole_and_the_line_stays_json(message, logged):
    record = logging.makeLogRecord({"msg": message, "levelname": "ERROR"})

    assert json.loads(AsJson().format(record))["message"] == logged


def test_an_address_in_an_exception_is_cut_out_of_a_json_line():
    record = logging.makeLogRecord(
        {"msg": "mail to %s failed", "args": ("ann@example.org",), "levelname": "ERROR"}
    )
    mark = log_context.set({"job": "7"})

    line = json.loads(AsJson().format(record))
    log_context.reset(mark)

    assert line["message"] == "mail to …@… failed"
    assert (line["level"], line["job"]) == ("ERROR", "7")


@pytest.mark.parametrize("log_format", ["line", "json"])
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InvalidRequestLine("GET /enter/s3cret\xa0 HTTP/1.1"), "Invalid HTTP request line"),
        (InvalidHeader("s3cret"), "Invalid HTTP Header"),
        (InvalidChunkSize(b"remark=Ann's s3cret"), "Invalid chunk size"),
        (ValueError("no file for /rate/s3cret/"), "no file for /rate/"),
    ],
)
def test_the_web_server_itself_logs_nothing_of_a_request_either(
    monkeypatch, capsys, log_format, error, sentence
):
    monkeypatch.setenv("LOG_FORMAT", log_format)
    ours, client = socket.socketpair()
    worker = SimpleNamespace(log=WebLog(Config()))
    with ours, client:
        try:
            raise error
        except Exception as raised:
            Worker.handle_error(worker, None, ours, ("::1", 1), raised)

    logged = capsys.readouterr().err
    assert sentence in logged
    assert "s3cret" not in logged
    assert "Ann" not in logged
    assert log_format == "line" or json.loads(logged)["logger"] == "gunicorn.error"


def test_that_is_the_log_of_the_web_server(monkeypatch):
    monkeypatch.setattr(metrics_folder, "shared_metrics_folder", lambda _in_memory: None)
    gunicorn_conf = importlib.import_module("lungrater.embedded.gunicorn_conf")

    assert gunicorn_conf.logger_class == f"{WebLog.__module__}.{WebLog.__qualname__}"
