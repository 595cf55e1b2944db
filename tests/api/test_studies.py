"""A study by program, from its protocol to its results; what cannot be taken back wants an act token."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from accounts.api.access import ACT_NEEDED
from accounts.membership.models import Part
from audit.models import Event
from rating.models import Enrolment, Freeze, Study
from tests.api.callers import act_header, caller, post
from tests.factories import make_dataset, make_image, make_pixels
from tests.rating.cast import draft_study, frozen_study, open_study, over_study, rate_all

pytestmark = pytest.mark.django_db
STUDIES = "/api/v1/studies"


def pools(each: int = 3) -> None:
    for name, origin in (("Hospital A", "real"), ("Model B", "synthetic")):
        dataset = make_dataset(name=name, origin=origin)
        for number in range(each):
            make_image(dataset, pixels=make_pixels(seed=number + 100 * len(origin)))


PROTOCOL = {
    "name": "Chest films",
    "canvas": 64,
    "primary_endpoint": "accuracy",
    "strata": [{"dataset": "Hospital A", "count": 3}, {"dataset": "Model B", "count": 3}],
}


def at(study: Study, act: str) -> str:
    return f"{STUDIES}/{study.slug}/{act}"


def test_a_study_is_made_frozen_opened_closed_and_unblinded_by_program(researcher, rater):
    pools()
    program = caller(researcher)

    answer = post(program, STUDIES, PROTOCOL)
    study = Study.objects.get()
    invited = post(program, at(study, "invitations"), {"emails": rater.email}).json()
    frozen = post(program, at(study, "freeze"))
    Freeze.objects.get().perform()
    Study.objects.get().blinding_audit.override(researcher, "Six images of noise.") if (
        Study.objects.get().blinding_audit.stops_opening
    ) else None
    opened = post(program, at(study, "open"))
    Enrolment.objects.get().consent()
    rate_all(study, rater, "real")
    closed = post(program, at(study, "close"), {"confirm": "Chest films"}, **act_header(researcher))
    blinded = program.get(at(study, "results")).json()
    unblinded = post(program, at(study, "unblind"), {"reason": "All have read."}, **act_header(researcher))
    results = program.get(at(study, "results")).json()

    assert answer.status_code == 201, answer.json()
    assert answer.json()["protocol"]["primary_endpoint"] == "accuracy"
    assert [row["is_new"] for row in invited["invitations"]] == [False]
    assert (frozen.status_code, frozen.json()["study"]["freeze"]["state"]) == (202, "queued")
    assert opened.json()["study"]["state"] == "open", opened.json()
    assert closed.json() == closed.json() | {"sentence": "No more ratings are taken."}
    assert blinded["truth"] is None
    assert unblinded.json()["study"]["state"] == "unblinded"
    assert results["truth"]["per_rater"][0]["fool_rate"]["estimate"] == 1.0
    actions = list(Study.objects.get().events.order_by("pk").values_list("action", flat=True))
    assert {"created", "frozen", "open", "closed", "unblinded"} <= set(actions)


@pytest.mark.parametrize(("act", "body"), [("close", {"confirm": "Reading"}), ("unblind", {"reason": "So."})])
def test_without_an_act_token_nothing_is_done_that_cannot_be_taken_back(researcher, rater, act, body):
    study = open_study(raters=[rater]) if act == "close" else over_study(raters=[rater])
    state = study.state

    answer = post(caller(researcher), at(study, act), body)

    assert answer.status_code == 403
    assert answer.json()["type"] == ACT_NEEDED
    study.refresh_from_db()
    assert study.state == state


def test_the_act_token_of_another_person_opens_nothing(researcher, admin, rater):
    study = open_study(raters=[rater])

    answer = post(caller(researcher), at(study, "close"), {"confirm": "Reading"}, **act_header(admin))

    assert answer.status_code == 403


def test_an_act_token_does_not_stand_in_for_the_name_typed(researcher, rater):
    study = open_study(raters=[rater])

    answer = post(caller(researcher), at(study, "close"), {"confirm": "Another"}, **act_header(researcher))

    assert answer.status_code == 422
    assert answer.json()["errors"]["confirm"] == ["That is not the name; type “Reading”."]


def test_a_study_with_signatures_is_signed_by_whoever_has_proved_who_they_are(researcher, rater):
    study = open_study(raters=[rater], signatures=True)
    program = caller(researcher)
    body = {"confirm": "Reading", "meaning": "approval"}

    without_proof = post(program, at(study, "close"), body, **act_header(researcher, proof=""))
    without_meaning = post(program, at(study, "close"), {"confirm": "Reading"}, **act_header(researcher))
    signed = post(program, at(study, "close"), body, **act_header(researcher))

    assert (without_proof.status_code, without_meaning.status_code) == (403, 422)
    assert signed.status_code == 200
    event = study.events.get(action="signed")
    assert (event.detail["act"], event.detail["by"]) == ("close", ["password"])


def test_what_is_not_possible_now_is_said_and_stands_in_the_log(researcher):
    study = draft_study()

    answer = post(caller(researcher), at(study, "open"))

    assert answer.status_code == 409
    event = Event.objects.get(action="was refused")
    assert (event.chain, event.detail["act"]) == (study.trail, "open")
    assert event.reason == answer.json()["detail"]


def test_a_protocol_file_makes_the_same_study_again(researcher):
    pools()
    program = caller(researcher)
    first = post(program, STUDIES, PROTOCOL | {"sessions": 2, "reasons": "Ribs\nText"}).json()

    file = program.get(f"{STUDIES}/{first['slug']}/protocol").json()
    second = post(program, STUDIES, json.loads(json.dumps(file)) | {"name": "Again"}).json()

    assert second["protocol"] == first["protocol"] | {"name": "Again"}
    assert second["protocol"]["strata"][0] == {
        "dataset": "Hospital A", "label": "", "role": "main", "count": 3
    }  # fmt: skip


def test_a_draft_is_changed_in_part_and_the_rest_stays(researcher):
    pools()
    program = caller(researcher)
    first = post(program, STUDIES, PROTOCOL | {"repeats": 2}).json()

    changed = program.patch(
        f"{STUDIES}/{first['slug']}",
        {"instructions": "Look.", "strata": [{"dataset": "Model B", "count": 2}]},
        content_type="application/json",
    ).json()

    assert changed["protocol"]["instructions"] == "Look."
    assert (changed["protocol"]["repeats"], changed["protocol"]["canvas"]) == (2, 64)
    assert [row["dataset"] for row in changed["protocol"]["strata"]] == ["Model B"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"strata": [{"dataset": "Nowhere", "count": 1}]}, "There is no dataset “Nowhere”"),
        ({"strata": [{"dataset": "Model B", "count": 99}]}, "less than or equal to 3"),
        ({"strata": [{"dataset": "Model B", "count": 1}] * 2}, "asked for twice"),
        ({"strata": []}, "Ask for at least one image"),
        ({"canvas": 7}, "greater than or equal to 64"),
        ({"design": "dance"}, "Select a valid choice"),
    ],
)
def test_what_the_pages_form_refuses_makes_no_study(researcher, body, sentence):
    pools()

    answer = post(caller(researcher), STUDIES, PROTOCOL | body)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert not Study.objects.exists()


def test_a_dataset_that_is_not_the_persons_is_not_there_for_a_study(researcher):
    make_image(make_dataset(name="Theirs")).dataset.memberships.all().delete()

    answer = post(caller(researcher), STUDIES, PROTOCOL | {"strata": [{"dataset": "Theirs", "count": 1}]})

    assert answer.status_code == 422
    assert not Study.objects.exists()


def test_ratings_come_as_the_page_gives_them_and_the_log_says_so(researcher, rater):
    study = over_study(raters=[rater])

    answer: Any = caller(researcher).get(at(study, "ratings.csv"))

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 6
    assert {(row["rater"], row["label"], row["truth"]) for row in rows} == {("R01", "real", "")}
    assert study.events.filter(action="exported ratings", actor=researcher.uuid).count() == 1


def test_raters_are_listed_by_pseudonym_without_name_or_label(researcher, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake")

    answer = caller(researcher).get(at(study, "raters"))

    (row,) = answer.json()
    assert (row["rater"], row["rated_count"], row["pace"]) == ("R01", 6, "finished")
    assert rater.email not in answer.content.decode()
    assert "fake" not in answer.content.decode()


def test_a_rater_is_withdrawn_with_a_reason(researcher, rater):
    study = open_study(raters=[rater])

    answer = post(caller(researcher), at(study, "raters/1/withdraw"), {"reason": "Ill."})

    assert answer.json()["sentence"].startswith("R01 reads no more")
    assert Enrolment.objects.get().withdrawn_at is not None


def test_verify_says_that_all_is_as_it_was_written_and_keeps_that_it_did(researcher, rater):
    study = over_study(raters=[rater])

    answer = post(caller(researcher), at(study, "verify")).json()

    assert answer["is_whole"] is True
    assert answer["discrepancies"] == []
    assert study.events.filter(action="verified").count() == 1


def test_people_are_invited_by_an_admin_who_has_proved_it(admin):
    program = caller(admin)
    body = {"emails": "new@example.org", "role": "researcher"}

    refused = post(program, "/api/v1/people/invitations", body)
    answer = post(program, "/api/v1/people/invitations", body, **act_header(admin))
    listed = program.get("/api/v1/people?q=new").json()["results"]

    assert refused.status_code == 403
    assert answer.json()["invited"][0]["email"] == "new@example.org"
    assert [row["role"] for row in listed] == ["researcher"]


def test_a_viewer_reads_no_results_before_unblinding(researcher, rater):
    study = over_study(raters=[rater])
    study.memberships.all().delete()
    study.share_with(researcher, Part.VIEWER)

    assert caller(researcher).get(at(study, "results")).status_code == 404


def test_the_list_of_studies_costs_as_many_queries_for_ten_as_for_one(
    researcher, django_assert_max_num_queries
):
    program = caller(researcher)
    draft_study("One")
    program.get(STUDIES)
    for number in range(9):
        frozen_study(f"Study {number}") if number == 0 else draft_study(f"Study {number}")

    with django_assert_max_num_queries(12):
        assert len(program.get(STUDIES).json()["results"]) == 10


def test_a_study_goes_into_the_archive_and_comes_back(researcher):
    study = draft_study()
    study.share_with(researcher, Part.EDITOR)
    program = caller(researcher)

    archived = program.put(at(study, "archive"))
    listed, in_archive = (
        [row["slug"] for row in program.get(f"{STUDIES}{query}").json()["results"]]
        for query in ("", "?archived=true")
    )
    back = program.delete(at(study, "archive"))

    assert (archived.status_code, back.status_code) == (200, 200)
    assert (listed, in_archive) == ([], [study.slug])
    assert program.get(at(study, "")[:-1]).status_code == 200
    assert [event.action for event in study.events.order_by("pk")][-2:] == [
        "archived the study",
        "brought the study back from the archive",
    ]


def test_an_owner_takes_a_remark_away_by_program(researcher, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "real", remark="Mrs Example, born 1950.")
    study.share_with(researcher, Part.OWNER)
    code = (
        study.images.filter(presentations__rating__remark__gt="")
        .order_by("code")
        .values_list("code", flat=True)[0]
    )

    answer = post(
        caller(researcher),
        at(study, "redactions"),
        {"rater": "R01", "image": code, "reason": "It names a patient."},
    )

    assert answer.status_code == 200, answer.content
    assert answer.json()["sentence"].startswith("Taken away")
    assert not study.images.filter(code=code, presentations__rating__remark__gt="").exists()
