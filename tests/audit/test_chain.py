"""The log is a chain: what was written can be checked, row by row, and nobody changes it behind the scenes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

import audit
from audit.anchors import Anchor, NotAnAnchorError, read_anchors
from audit.chain import cells, link, moment, text_sha256
from audit.models import Event
from audit.verification import head, seal, verify_chain
from tests.audit.tampering import as_superuser

pytestmark = pytest.mark.django_db

SWAP = """
UPDATE audit_event SET number = number + 100 WHERE number IN (4, 5);
UPDATE audit_event SET number = 109 - number WHERE number > 100
"""
FIELDS = (
    "at, subject_kind, subject_key, action, actor_kind, identity, identity_nonce, identity_sha256, reason"
)
FIELDS += ", reason_nonce, reason_sha256, detail, sha256"
COPY = f"INSERT INTO audit_event (chain, number, {FIELDS}) SELECT chain, 7, {FIELDS} FROM audit_event WHERE number = 3"


def test_a_cell_says_how_long_it_is():
    assert cells(["ab", "", None, 7, "é"]) == "2:ab,0:,-1:7,2:é,".encode()
    assert cells(["a", "b"]) != cells(["ab"])


def test_each_event_holds_the_hash_of_the_one_before(researcher):
    for action in ("first", "second"):
        audit.record(None, researcher, action, reason="Because.", of="something")
    seal()

    first, second = Event.objects.filter(chain="site").order_by("number")
    content: list[str | int | None] = [
        *("event 1", first.sha256, "site", 2, moment(second.at), "site", "", "second", "person"),
        *(str(researcher.uuid), second.identity_sha256, second.reason_sha256, '{"of": "something"}'),
    ]
    assert (first.number, second.number) == (1, 2)
    assert second.sha256 == link(content)
    assert second.reason_sha256 == hashlib.sha256(f"{second.reason_nonce}Because.".encode()).hexdigest()
    assert list(verify_chain("site")) == []


def test_the_database_says_who_comes_first_not_the_program(researcher):
    event = Event.objects.create(
        chain="site", subject_kind="site", action="forged", number=99, sha256="f" * 64
    )
    seal()

    event.refresh_from_db()
    assert event.number == 1
    assert event.sha256 != "f" * 64


def test_every_kind_of_value_reads_the_same_in_the_database_and_here(researcher):
    awkward: dict[str, Any] = {
        "ü": "“é”\n\t\\",
        "n": [1, 2.5, 1e30, -0.0, None, True, {}],
        "b": {"z": 1, "aa": [], "": ""},
    }
    audit.record(researcher, None, "awkward", reason="a\x00b 🫁 \\ '", **awkward)

    assert list(verify_chain("site")) == []


def test_nobody_changes_removes_or_empties_the_log(researcher):
    audit.record(None, researcher, "signed in")
    seal()

    for statement in (
        "UPDATE audit_event SET action = 'else'",
        "UPDATE audit_event SET reason = ''",
        "UPDATE audit_event SET identity = '', identity_nonce = ''",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "TRUNCATE accounts_user CASCADE; TRUNCATE audit_event",
    ):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_a_text_is_taken_away_only_beside_an_event_that_says_so(researcher):
    audit.record(None, researcher, "wrote", reason="My name is Rita Canary.")
    seal()
    gone = "UPDATE audit_event SET reason = '', reason_nonce = '' WHERE action = 'wrote'"

    as_superuser(gone)
    assert [str(each) for each in verify_chain("site")] == [
        "site 1: the reason of “wrote” is gone, and no redaction says so."
    ]
    audit.record(None, researcher, "redacted", field="reason", numbers=[1])
    assert list(verify_chain("site")) == []


def test_a_redaction_needs_no_superuser_once_its_event_stands(researcher):
    audit.record(None, researcher, "wrote", reason="My name is Rita Canary.")
    seal()
    audit.record(None, researcher, "redacted", field="reason", numbers=[1])

    Event.objects.filter(number=1).update(reason="", reason_nonce="")

    assert list(verify_chain("site")) == []
    assert not Event.objects.filter(reason__contains="Canary").exists()


@pytest.mark.parametrize(
    ("tampering", "sentence"),
    [
        (
            "UPDATE audit_event SET action = 'else' WHERE number = 2",
            "site 2: “else” is not as it was written",
        ),
        ("UPDATE audit_event SET at = at + interval '1 microsecond' WHERE number = 2", "site 2: “act 2”"),
        ("UPDATE audit_event SET reason = 'else' WHERE number = 3", "the reason of “act 3” is not as it was"),
        ("UPDATE audit_event SET detail = '{\"n\": 8}' WHERE number = 3", "site 3: “act 3” is not as"),
        ("DELETE FROM audit_event WHERE number IN (2, 3)", "site: rows 2 to 3 are missing."),
        (SWAP, "site 4: “act 5”"),
        (COPY, "site 7: “act 3” is not as it was written"),
    ],
)
def test_what_a_superuser_changes_is_named(researcher, tampering, sentence):
    for number in range(1, 7):
        audit.record(None, researcher, f"act {number}", reason="Because.", n=number)
    seal()

    as_superuser(tampering)

    assert sentence in str(next(verify_chain("site")))


def test_a_cut_tail_is_seen_against_an_anchor_only(researcher):
    for number in range(1, 5):
        audit.record(None, researcher, f"act {number}")
    anchor = head("site")
    assert anchor is not None

    as_superuser("DELETE FROM audit_event WHERE number > 2")

    assert list(verify_chain("site")) == []
    assert [str(each) for each in verify_chain("site", [anchor])] == [
        "site: it ends at 2, but the anchor was taken of row 4."
    ]


def test_an_anchor_is_one_line_that_reads_back():
    anchor = Anchor("study 12", 41, text_sha256("nonce", "text"))

    assert read_anchors(f"# printed on a Monday\n\n  {anchor}  \n") == [anchor]
    with pytest.raises(NotAnAnchorError, match="CHAIN NUMBER SHA256"):
        read_anchors("study 12 3f")
