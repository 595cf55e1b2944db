"""`verify` names what differs from what was written, whoever changed it."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction

import audit
from audit import heads
from audit.verification import head, verify_chain
from rating.models import Rating, RatingRevision, Study
from rating.reading.revision_chain import RatingsDifferError
from rating.results.export.ratings_csv import csv_lines, json_lines
from rating.results.query import read_columns, responses_of
from rating.results.verification import verify_study
from tests.audit import tampering
from tests.audit.tampering import as_superuser
from tests.rating.cast import open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(rater, other_rater):
    """Read by two, with remarks and corrections, closed and unblinded; its log entered in the site's."""
    study = open_study(raters=[rater, other_rater], going_back="any")
    rate_all(study, rater, "real", remark="clear lungs")
    rate_all(study, other_rater, "fake")
    for presentation in presentations(study, rater)[:3]:
        key = presentation.rating.client_key
        Rating.record(presentation, uuid.uuid4(), replaces=key, label="fake", remark="on second thoughts")
    study.close(organiser())
    study.unblind(organiser(), "All raters have finished.")
    for act in ("signed in", "signed out", "signed in"):
        audit.record(None, organiser(), act)
    heads.enter()
    return study


def discrepancies(study, anchors=()):
    found = [
        *verify_chain("site", anchors),
        *heads.verify_entered(),
        *verify_study(study, anchors).discrepancies,
    ]
    return [str(each) for each in found]


def test_a_study_that_went_its_way_is_whole(study):
    assert discrepancies(study) == []


def test_whatever_is_tampered_with_is_seen(study):
    """Sixty acts; `bench/tamper.py` does a thousand."""
    unseen = []
    for seed in range(60):
        with tampering.undone(study):
            name, tamper = tampering.any_tampering(study, random.Random(seed))
            tamper()
            study.refresh_from_db()
            if not discrepancies(study):
                unseen.append(name)
        study.refresh_from_db()

    assert unseen == []
    assert discrepancies(study) == []


@pytest.mark.parametrize("act", [tampering.edit, tampering.remove, tampering.swap, tampering.insert])
def test_hashes_computed_anew_are_seen_against_an_anchor_only(study, act):
    anchor = heads.enter()
    statement = "UPDATE audit_event SET action = 'else' WHERE chain = 'site' AND number = 2"
    if act is tampering.remove:
        statement = "DELETE FROM audit_event WHERE chain = 'site' AND number = 2"
    if act is tampering.swap:
        statement = "UPDATE audit_event SET number = 9 WHERE chain = 'site' AND number = 2"
    if act is tampering.insert:
        statement = "UPDATE audit_event SET chain = 'site', number = 0 WHERE chain <> 'site' AND number = 2"

    as_superuser(statement)
    tampering.mend()

    assert list(verify_chain("site")) == []
    assert list(verify_chain("site", [anchor]))


def test_the_sites_log_vouches_for_the_ends_of_the_others(study):
    last = head(study.trail)

    as_superuser(f"DELETE FROM audit_event WHERE chain = '{study.trail}' AND number = {last.number}")

    assert (
        f"{study.trail} {last.number}: the site's log has another hash of it, or it is gone."
        in discrepancies(study)
    )


def test_the_studys_log_vouches_for_the_ends_of_the_sittings(study):
    last = RatingRevision.objects.order_by("-chain_number").first()

    as_superuser(f"DELETE FROM rating_ratingrevision WHERE id = {last.pk}")

    assert "R01 session 1: it ends at save 8, but the study's log knows of save 9." in discrepancies(study)


def test_a_label_changed_past_its_revisions_is_not_counted_and_not_exported(study):
    as_superuser("UPDATE rating_rating SET label = 'unsure' WHERE id = (SELECT min(id) FROM rating_rating)")

    readers: list[Callable[[Study], object]] = [
        read_columns,
        responses_of,
        lambda study: next(csv_lines(study)),  # the header too
        lambda study: next(json_lines(study)),
    ]
    for act in readers:
        with pytest.raises(
            RatingsDifferError, match=r"not what its rater last saved \(rater 1, session 1, position"
        ):
            act(study)


def test_verify_says_what_it_saw_and_exits_by_it(study, tmp_path):
    output = StringIO()
    call_command("verify", stdout=output)
    assert "Everything is as it was written." in output.getvalue()
    anchors = StringIO()
    call_command("verify", "--head", stdout=anchors)
    file = tmp_path / "anchor.txt"
    file.write_text(anchors.getvalue())
    call_command("verify", study.name, "--anchor", str(file), stdout=output)

    as_superuser("DELETE FROM audit_event WHERE chain = 'site' AND number > 1")

    output = StringIO()
    with pytest.raises(CommandError, match="not as they were written"):
        call_command("verify", "--anchor", str(file), "--json", stdout=output)
    facts = json.loads(output.getvalue())
    assert (facts["whole"], facts["guarded"]) == (False, False)
    assert any("the anchor was taken of row" in each for each in facts["discrepancies"])


def test_what_is_no_anchor_is_a_bad_argument(tmp_path):
    (tmp_path / "anchor").write_text("site 12")

    for file in (tmp_path / "anchor", tmp_path / "none"):
        with pytest.raises(CommandError) as refusal:
            call_command("verify", "--anchor", str(file))
        assert refusal.value.returncode == 2


def test_a_remark_is_redacted_and_every_chain_stays_whole(study):
    revision = RatingRevision.objects.exclude(remark="").first()
    audit.record(
        study, organiser(), "redacted", reason="It names a patient.", field="remark", revisions=[revision.pk]
    )
    connection.check_constraints()

    RatingRevision.objects.filter(pk=revision.pk).update(remark="", remark_nonce="")
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        RatingRevision.objects.exclude(pk=revision.pk).update(remark="", remark_nonce="")

    found = discrepancies(study)
    assert [each for each in found if "remark" in each or "save" in each] == []


def test_the_head_is_mailed_as_a_file_that_verify_takes(tmp_path: Path) -> None:
    printed = StringIO()
    call_command("verify", "--head", mail="officer@example.org", stdout=printed)
    [message] = mail.outbox
    anchor = tmp_path / "anchor.txt"
    anchor.write_text(str(message.body))

    call_command("verify", anchor=[anchor], stdout=StringIO())

    assert message.to == ["officer@example.org"]
    assert printed.getvalue().strip() in message.body


def test_where_no_mail_is_sent_the_head_is_printed_and_the_rest_refused(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    printed = StringIO()

    with pytest.raises(CommandError, match="sends no mail"):
        call_command("verify", "--head", mail="officer@example.org", stdout=printed)

    assert printed.getvalue().startswith("site ")
