"""A first session that does not tell the purpose, then the usual one: two questions, never mixed."""

from __future__ import annotations

import csv
import json
import uuid

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from rating.models import Enrolment, Freeze, Rating, Stratum
from rating.reading.rating import AlreadyRatedError
from rating.reading.simulation import Readers, simulate
from rating.results.build_report import results_of
from rating.results.export.ratings_csv import csv_lines
from rating.studies.presets import TEMPLATES
from rating.studies.purpose_words import speaks_of_it, telling_words
from rating.studies.study import NotPossibleError
from tests.factories import make_image
from tests.rating.cast import draft_study, organiser, presentations, rewrite
from tests.rating.reading.test_machine_raters import Guess, read_by

pytestmark = pytest.mark.django_db

STATIC = settings.BASE_DIR / "static"
STYLES = STATIC / "css" / "lungrater.css"


def two_phase_draft(name="Chest films", **protocol):
    study = draft_study(name, real=3, fake=3)
    for field, value in {**TEMPLATES["two-phase"].protocol, **protocol}.items():
        setattr(study, field, value)
    study.save()
    return study


def opened(study, *raters):
    for rater in raters:
        Enrolment.enrol(study, rater)
    freeze = Freeze.objects.create(study=study)
    freeze.perform()
    assert freeze.state == Freeze.State.SUCCEEDED, freeze.error
    study.refresh_from_db()
    study.open(organiser())
    return study


def agree(browser, study):
    url = reverse("rating:begin", args=[study.slug])
    return browser.post(url, {"consent": "on", "years": "5", "ai_knowledge": "used"})


def read_session(browser, study, rater, session, label, remark=""):
    for presentation in presentations(study, rater, session):
        url = reverse("rating:rate", args=[study.slug, presentation.token])
        answer = {"label": label, "remark": remark, "client_key": str(uuid.uuid4())}
        assert browser.post(url, answer).status_code == 302


def page(browser, name, study):
    url = reverse(f"rating:{name}", args=[study.slug] if name != "reading_list" else [])
    return browser.get(url, headers={"accept": "text/html"}).content.decode()


def all_a_rater_gets(browser, study, rater):
    """Every page, answer, style and script of the first phase, by its address."""
    shown = presentations(study, rater)[0]
    urls = [reverse("rating:reading_list"), reverse("rating:preferences"), "/no-such-page/"]
    urls += [reverse(f"rating:{name}", args=[study.slug]) for name in ("begin", "display", "read", "ahead")]
    urls += [reverse("rating:at", args=[study.slug, 1])]
    got = {url: browser.get(url, headers={"accept": "text/html"}) for url in urls}
    rate = reverse("rating:rate", args=[study.slug, shown.token])
    for what, answer in (("nothing", {}), ("no answer of this question", {"label": "x"})):
        got[f"{rate} {what}"] = browser.post(rate, answer, headers={"accept": "application/json"})
    texts = {url: response.content.decode() for url, response in got.items()}
    scripts = sorted((STATIC / "js" / "reading").glob("*.js"))
    return texts | {str(path.relative_to(STATIC)): path.read_text() for path in [*scripts, STYLES]}


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_nothing_a_rater_gets_in_the_first_phase_tells_the_purpose(client_of, rater, language):
    study = opened(two_phase_draft(), rater)
    browser = client_of(rater)
    browser.post(reverse("rating:preferences"), {"theme": "dark", "language": language})
    before_agreeing = all_a_rater_gets(browser, study, rater)
    agree(browser, study)

    for texts in (before_agreeing, all_a_rater_gets(browser, study, rater)):
        found = {url: telling_words(f"{url} {text}") for url, text in texts.items()}
        assert {url: words for url, words in found.items() if words} == {}


def test_the_search_finds_what_the_usual_study_says(client_of, rater):
    """Else the test above would prove nothing."""
    study = opened(two_phase_draft(design="single", sessions=1), rater)
    browser = client_of(rater)

    begin = telling_words(page(browser, "begin", study))
    agree(browser, study)
    read = telling_words(page(browser, "read", study))

    assert {"real", "generated", "generative"} <= set(begin)
    assert {"Real", "Fake"} <= set(read)


def test_after_the_first_phase_a_rater_is_told_and_then_asked_the_usual_question(client_of, rater):
    study = opened(two_phase_draft(), rater)
    browser = client_of(rater)
    agree(browser, study)
    read_session(browser, study, rater, 1, "unusual")

    assert browser.get(reverse("rating:read", args=[study.slug])).url == reverse(
        "rating:begin", args=[study.slug]
    )
    assert study.instructions[:40] in page(browser, "begin", study)
    assert page(browser, "reading_list", None).count(study.first_instructions[:40]) == 1
    agree(browser, study)

    assert {"Real", "Fake"} <= set(telling_words(page(browser, "read", study)))
    enrolment = Enrolment.objects.get()
    assert enrolment.informed_at is not None
    assert enrolment.ai_knowledge == "used"
    read_session(browser, study, rater, 2, "fake")
    assert set(Rating.objects.values_list("presentation__sitting__session", "label")) == {
        (1, "unusual"),
        (2, "fake"),
    }


def test_the_purpose_is_not_told_before_the_washout_is_over(client_of, rater):
    study = opened(two_phase_draft(washout_days=7), rater)
    browser = client_of(rater)
    agree(browser, study)
    read_session(browser, study, rater, 1, "usual")

    agree(browser, study)

    assert Enrolment.objects.get().informed_at is None
    for name in ("read", "reading_list"):
        assert telling_words(page(browser, name, study)) == []


def test_an_answer_of_the_first_phase_stands_once_the_purpose_is_told(client_of, rater):
    study = opened(two_phase_draft(going_back="any"), rater)
    browser = client_of(rater)
    agree(browser, study)
    read_session(browser, study, rater, 1, "usual")
    agree(browser, study)
    first = presentations(study, rater)[0]

    with pytest.raises(AlreadyRatedError):
        Rating.record(first, uuid.uuid4(), replaces=first.rating.client_key, label="unusual")


def test_the_other_phases_answers_are_not_taken(client_of, rater):
    study = opened(two_phase_draft(), rater)
    browser = client_of(rater)
    agree(browser, study)
    url = reverse("rating:rate", args=[study.slug, presentations(study, rater)[0].token])

    refused = browser.post(
        url, {"label": "real", "client_key": str(uuid.uuid4())}, headers={"accept": "application/json"}
    )

    assert refused.status_code == 422
    assert not Rating.objects.exists()


def test_practice_waits_until_raters_know_what_is_asked(rater):
    study = two_phase_draft()
    for stratum in study.strata.all():
        make_image(dataset=stratum.dataset)
        Stratum.objects.create(study=study, dataset=stratum.dataset, count=1, role="practice")
    opened(study, rater)

    kinds = [{p.kind for p in presentations(study, rater, session)} for session in (1, 2)]

    assert kinds == [{"main"}, {"main", "practice"}]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("name", "Spot the fake lungs"),
        ("consent", "Some are AI-made."),
        ("first_instructions", "Real or not?"),
    ],
)
def test_a_study_that_gives_itself_away_is_not_frozen(field, words):
    study = two_phase_draft()
    setattr(study, field, words)

    (reason,) = study.reasons_not_to_freeze()

    assert "before they are told the purpose" in reason


def test_nobody_learns_the_purpose_from_another_study(rater, other_rater):
    usual, unaware = draft_study("Usual"), two_phase_draft()
    Enrolment.enrol(usual, rater)
    Enrolment.enrol(unaware, other_rater)

    with pytest.raises(NotPossibleError, match="“Usual”, which tells that images may be generated"):
        Enrolment.enrol(unaware, rater)
    with pytest.raises(NotPossibleError, match="has not ended the first session of “Chest films”"):
        Enrolment.enrol(usual, other_rater)
    Enrolment.objects.filter(user=other_rater).update(informed_at=timezone.now())
    Enrolment.enrol(usual, other_rater)


def test_a_study_is_not_frozen_whose_raters_know_the_purpose_from_another(rater):
    Enrolment.enrol(draft_study("Usual"), rater)
    study = draft_study("Usual at first")
    Enrolment.enrol(study, rater)
    study.design, study.sessions = "two-phase", 2
    study.save()

    assert any("invite somebody else" in reason for reason in study.reasons_not_to_freeze())


def test_two_phases_need_two_sessions():
    study = two_phase_draft()
    study.sessions = 1

    with pytest.raises(ValidationError, match="needs two sessions"):
        study.full_clean()


def finished(client_of, *raters):
    study = opened(two_phase_draft(), *raters)
    for number, rater in enumerate(raters):
        browser = client_of(rater)
        agree(browser, study)
        read_session(browser, study, rater, 1, "unusual", "" if number else "This looks AI-generated to me.")
        agree(browser, study)
        read_session(browser, study, rater, 2, "fake", "Now that I know, fake.")
    study.close(organiser())
    return study


def test_the_analysis_keeps_the_phases_apart(client_of, rater, other_rater):
    study = finished(client_of, rater, other_rater)
    study.unblind(organiser(), "All have finished.")

    numbers = results_of(study)

    first = numbers.first_phase
    assert first
    assert [(row.rater, row.unusual, row.remarks) for row in first.raters] == [
        ("R01", 6, 6),
        ("R02", 6, 0),
    ]
    assert (first.noticed.estimate, len(first.remarks)) == (0.5, 6)
    assert first.unusual
    assert first.unusual.difference.estimate.estimate == 0
    assert numbers.session == 2
    assert numbers.agreement.labels == ("real", "fake", "unsure")
    assert numbers.agreement.ratings == 12
    assert numbers.counts["R01"] == {"real": 0, "fake": 6, "unsure": 0}


def test_the_first_phase_has_a_page_of_its_own_and_a_part_of_the_report(
    client_of, rater, other_rater, researcher
):
    study = finished(client_of, rater, other_rater)
    browser = client_of(researcher)

    shown = browser.get(reverse("rating:analysis_question", args=[study.slug, "noticed"])).content.decode()
    overview = browser.get(reverse("rating:analysis", args=[study.slug])).content.decode()
    report = browser.get(reverse("rating:report", args=[study.slug, "html"])).content.decode()

    assert "This looks AI-generated to me." in shown
    assert "This depends on which images are real" in shown
    assert reverse("rating:analysis_question", args=[study.slug, "noticed"]) in overview
    assert "raters were not told that some images are generated" in report
    galleries = report.split("Called fake by two or more")[1].split("Reporting checklists")[0]
    assert "Now that I know, fake." in galleries
    assert "This looks AI-generated to me." not in galleries


def test_a_machine_reads_what_is_asked_openly_and_nothing_else(rater):
    study = opened(two_phase_draft(), rater)
    looker = Guess()

    machine = read_by(study, looker)

    assert {r.label for r in Rating.objects.filter(presentation__sitting__enrolment=machine)} <= {
        "real",
        "fake",
        "unsure",
    }
    assert set(machine.sittings.exclude(presentations__rating=None).values_list("session", flat=True)) == {2}
    assert len(looker.seen) == 6


def test_the_csv_has_both_phases_and_one_session_can_be_read_from_it(
    client_of, rater, other_rater, tmp_path, capsys
):
    study = finished(client_of, rater, other_rater)
    file = tmp_path / "ratings.csv"
    file.write_text("".join(csv_lines(study)))

    call_command("agreement", str(file), "--session", "2", "--json")

    assert json.loads(capsys.readouterr().out)["ratings"] == 12
    with file.open(newline="") as rows:
        assert {(r["session"], r["label"]) for r in csv.DictReader(rows)} == {("1", "unusual"), ("2", "fake")}


def test_a_file_of_both_phases_says_how_one_is_read(client_of, rater, other_rater, tmp_path):
    file = tmp_path / "ratings.csv"
    file.write_text("".join(csv_lines(finished(client_of, rater, other_rater))))

    with pytest.raises(CommandError, match=r"holds the sessions 1, 2; --session N reads one of them"):
        call_command("agreement", str(file))


def test_every_remark_of_the_first_phase_can_be_read_found_or_not(client_of, rater, other_rater, researcher):
    study = finished(client_of, rater, other_rater)
    rewrite(Rating.objects.filter(presentation__sitting__session=1, remark=""), remark="Too clean by half.")
    url = reverse("rating:analysis_remarks", args=[study.slug])
    browser = client_of(researcher)

    first = browser.get(url, {"phase": "first"}).content.decode()
    informed = browser.get(url).content.decode()

    assert first.count("Too clean by half.") == 6
    assert first.count("<td>by its words</td>") == 6
    assert "Now that I know" not in first
    assert "Now that I know" in informed
    assert "Too clean" not in informed


def test_calling_everything_usual_is_a_flag_in_the_informed_phase_only(client_of, rater, researcher):
    study = opened(draft_study("Chest films", real=8, fake=8, **TEMPLATES["two-phase"].protocol), rater)
    browser, url = client_of(researcher), reverse("rating:raters", args=[study.slug])
    flagged = []

    for session, label in ((1, "usual"), (2, "fake")):
        for presentation in presentations(study, rater, session):
            Rating.record(presentation, uuid.uuid4(), label=label)
        flagged.append("Straight-lining" in browser.get(url).content.decode())

    assert flagged == [False, True]


def test_a_rehearsal_of_two_phases_runs_from_end_to_end():
    study = simulate(two_phase_draft(), Readers(raters=3))

    numbers = results_of(study)

    assert numbers.first_phase
    assert numbers.first_phase.noticed.estimate == 0
    assert numbers.agreement.ratings == 18


@pytest.mark.parametrize(
    ("remark", "speaks"),
    [
        ("Looks fake.", True),
        ("KI-Bild?", True),
        ("sieht künstlich aus", True),
        ("صورة مزيّفة", True),
        ("A real nodule in the left lung.", False),
        ("Aids, he said; diffuse opacities; artificially is another matter", True),
        ("ai, ai: fakir; mitral valve", False),
    ],
)
def test_a_remark_speaks_of_it_by_its_words(remark, speaks):
    assert speaks_of_it(remark) is speaks
