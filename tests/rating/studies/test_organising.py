"""What organisers do beside the reading: build, copy, override, rehearse, start raters over, plan."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from pool.figure_style import PRINT, SCREEN
from pool.models import Dataset, Image
from rating.models import BlindingAudit, Enrolment, Rating, Sitting, Study
from rating.reading.simulation import Readers, simulate
from rating.statistics.planning import images_for_kappa_interval, kappa_lower_end
from rating.studies.planner import IMAGES, comparison, fool_rate, fool_rate_half_width, kappa, kappa_interval
from rating.studies.precision import precision
from rating.studies.presets import TEMPLATES
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of
from tests.factories import make_dataset, make_image
from tests.rating.cast import draft_study, frozen_study, open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of, researcher):
    return client_of(researcher)


def red(study: Study) -> BlindingAudit:
    findings = [{"check": "Patients", "verdict": "red", "reason": "One in both.", "remedy": "Leave out."}]
    return BlindingAudit.objects.create(
        study=study, state="succeeded", verdict="red", findings=findings, finished_at=timezone.now()
    )


def form_of(study: Study, **changes):
    names = ("name", "instructions", "canvas", "reasons", "prevalence_note")
    return {name: getattr(study, name) for name in names} | changes


def test_a_red_audit_keeps_the_study_closed_until_somebody_answers_for_it(browser, rater, researcher):
    study = frozen_study(raters=[rater])
    red(study)

    browser.post(reverse("rating:open", args=[study.slug]))
    page = browser.get(study.get_absolute_url()).content.decode()
    assert "The blinding audit is red: One in both. Leave out." in page
    assert Study.objects.get(pk=study.pk).state == "frozen"
    browser.post(reverse("rating:override", args=[study.slug]), {"reason": "Known and declared."})
    browser.post(reverse("rating:open", args=[study.slug]))

    assert Study.objects.get(pk=study.pk).is_open
    event = Event.objects.get(action="overrode the blinding audit")
    assert (event.actor, event.reason) == (researcher.uuid, "Known and declared.")
    assert "Known and declared." in " ".join(study.blinding_audits.first().sentences())


def test_what_the_audit_names_by_code_can_be_found_in_the_pool(browser, rater):
    study = frozen_study(raters=[rater])
    named, other = study.images.select_related("image").order_by("code")[:2]
    audit = red(study)
    audit.findings[0]["codes"] = [[named.code]]
    audit.save()

    page = browser.get(study.get_absolute_url()).content.decode()

    assert f'<a href="{named.image.get_absolute_url()}">1</a>' in page  # which code it has is not told
    assert other.image.get_absolute_url() not in page


def test_an_override_needs_a_person_and_a_reason(rater):
    audit = red(frozen_study(raters=[rater]))

    with pytest.raises(NotPossibleError, match="a person and a reason"):
        audit.override(organiser(), " ")
    with pytest.raises(NotPossibleError, match="a person and a reason"):
        audit.override(None, "Because.")


def test_who_closes_a_study_first_reads_who_has_not_finished(browser, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    rate_all(study, rater, "real")

    page = browser.get(f"{study.get_absolute_url()}close/").content.decode()
    left = presentations(study, other_rater)

    assert f"Not finished yet: R02 (0 of {len(left)})." in page
    rate_all(study, other_rater, "fake")
    assert "Every rater has finished." in browser.get(f"{study.get_absolute_url()}close/").content.decode()


def test_a_frozen_study_cannot_be_edited_but_copied(browser, rater):
    study = frozen_study(raters=[rater])

    assert browser.get(reverse("rating:edit", args=[study.slug])).status_code == 404
    response = browser.post(reverse("rating:copy", args=[study.slug]))

    copy = Study.objects.get(copy_of=study)
    assert response["Location"] == reverse("rating:edit", args=[copy.slug])
    assert copy.is_draft
    assert copy.name == "Reading (copy)"
    assert copy.seed != study.seed
    assert list(copy.strata.values_list("dataset", "count")) == list(
        study.strata.values_list("dataset", "count")
    )
    assert not copy.enrolments.exists()


def test_a_copy_keeps_every_choice_of_the_protocol():
    study = draft_study()
    Study.objects.filter(pk=study.pk).update(sessions=2, repeats=1, burned_in="mask", ask_confidence=True)
    study.refresh_from_db()

    copy = copy_of(study, by=None)

    own = {"name", "seed"}
    assert {k: v for k, v in copy.protocol().items() if k not in own} == {
        k: v for k, v in study.protocol().items() if k not in own
    }


def test_a_study_is_built_with_strata_by_finding_and_role(browser):
    real, fake = make_dataset("Hospital"), make_dataset("Model", origin="synthetic")
    for label in ("covid", "normal", "normal"):
        make_image(real, label=label)
        make_image(fake)
    study = draft_study()
    page = browser.get(reverse("rating:edit", args=[study.slug]))
    names = {(row.dataset.name, row.label): row.names for row, _ in page.context["strata"].rows()}

    browser.post(
        reverse("rating:edit", args=[study.slug]),
        form_of(
            study,
            sessions="2",
            **{
                names["Hospital", "covid"]["main"]: "1",
                names["Hospital", ""]["practice"]: "1",
                names["Model", ""]["main"]: "2",
            },
        ),
    )

    study.refresh_from_db()
    assert study.sessions == 2
    assert sorted(study.strata.values_list("dataset__name", "label", "role", "count")) == [
        ("Hospital", "", "practice", 1),
        ("Hospital", "covid", "main", 1),
        ("Model", "", "main", 2),
    ]


def test_a_template_takes_images_that_one_has_brought_in_before_larger_datasets_of_others():
    person = organiser()
    own = make_dataset(origin="real")
    Dataset.objects.filter(pk=own.pk).update(created_by=person)
    larger = make_dataset(origin="real")
    for dataset, images in ((own, 1), (larger, 2)):
        for _ in range(images):
            make_image(dataset)

    assert TEMPLATES["balanced"].counts(person) == {own.pk: 1}

    own.images.update(excluded_reason="Of another body part.", excluded_by=person)
    assert TEMPLATES["balanced"].counts(person) == {larger.pk: 2}


@pytest.mark.parametrize("key", sorted(TEMPLATES))
def test_every_template_fills_the_form(browser, key):
    for origin in ("real", "synthetic"):
        for modality in ("xray", "ct"):
            make_image(make_dataset(origin=origin, modality=modality))

    page = browser.get(reverse("rating:create"), {"template": key})

    assert page.status_code == 200
    assert TEMPLATES[key].counts(organiser())
    for field, value in TEMPLATES[key].protocol.items():
        if field in page.context["form"].fields:
            shown = page.context["form"][field].value()
            assert (json.loads(shown) if field == "second_questions" else shown) == value


def test_the_protocol_of_the_2022_paper_comes_with_its_warning(browser):
    make_image(make_dataset(origin="synthetic"))

    page = browser.get(reverse("rating:create"), {"template": "spot-the-fake-lungs-2022"})

    assert "no specificity" in page.content.decode()


def test_the_raters_page_shows_flags_but_no_labels(browser, rater):
    study = open_study(raters=[rater], real=9, fake=9)
    rate_all(study, rater, "unsure", remark="dubious vessels")

    page = browser.get(reverse("rating:raters", args=[study.slug])).content.decode()

    assert "Straight-lining" in page
    assert "unsure" not in page
    assert "dubious vessels" not in page


def test_a_rater_is_started_over_from_the_page_with_a_reason(browser, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake")
    url = reverse("rating:reset", args=[study.slug, 1])

    browser.post(url, {"reason": ""})
    assert Sitting.objects.count() == 1
    browser.post(url, {"reason": "Wrong screen."})

    assert Sitting.objects.standing().get().attempt == 2
    assert Rating.objects.count() == 6


def test_a_rater_is_withdrawn_and_replaced_from_the_page(browser, rater, other_rater):
    study = open_study(raters=[rater])

    browser.post(reverse("rating:withdraw", args=[study.slug, 1]), {"reason": "Fell ill."})
    browser.post(reverse("rating:replace", args=[study.slug, 1]), {"email": other_rater.email})

    new = Enrolment.objects.get(study=study, user=other_rater)
    assert new.replaces == Enrolment.objects.get(study=study, user=rater)
    assert len(presentations(study, other_rater)) == 6


def test_a_rehearsal_is_a_finished_copy_that_says_it_is_simulated(browser):
    study = draft_study(real=6, fake=6)

    done = simulate(study, Readers(raters=3))

    assert done.is_unblinded
    assert done.is_simulated
    assert done.name == "Reading (simulated)"
    assert Rating.objects.filter(presentation__sitting__enrolment__study=done).count() == 36
    assert Study.objects.get(pk=study.pk).is_draft
    assert not study.enrolments.exists()
    assert "Simulated: a rehearsal" in browser.get(done.get_absolute_url()).content.decode()


def test_simulated_raters_are_as_good_as_asked(monkeypatch):
    # What an image suggests, it suggests to everybody: eighty of them are no more than eighty throws, so one seed for all runs.
    monkeypatch.setattr("rating.studies.randomness.secrets.randbits", lambda _bits: 2026)
    study = draft_study(real=40, fake=40)

    def accuracy(done: Study) -> float:
        called = Rating.objects.filter(presentation__sitting__enrolment__study=done)
        pairs = called.values_list("label", "presentation__study_image__image__origin")
        return sum((label == "real") == (origin == "real") for label, origin in pairs) / len(pairs)

    guessing = simulate(study, Readers(raters=4, sensitivity=0, noise=0), seed=1)
    seeing = simulate(study, Readers(raters=4, sensitivity=4, noise=0), seed=1)

    assert accuracy(seeing) > 0.9
    assert accuracy(guessing) < 0.65


def test_people_cannot_join_a_rehearsal(rater):
    done = simulate(draft_study(), Readers(raters=1))
    rehearsal = copy_of(done, by=None, name="Another rehearsal", is_simulated=True)

    with pytest.raises(NotPossibleError, match="people cannot join"):
        Enrolment.enrol(rehearsal, rater)


def test_the_command_line_builds_audits_overrides_and_rehearses(capsys, rater):
    study = draft_study("Pool", real=3, fake=3)
    names = list(study.strata.values_list("dataset__name", flat=True))
    images = [word for name in names for word in ("--images", f"{name}=2")]
    Image.objects.filter(dataset__name=names[1]).update(label="covid")
    images[-1] = f"{names[1]}[covid]=2"
    protocol = ["--going-back", "none", "--reasons", "Ribs; Vessels", "--fixed-zoom", "--bits", "16"]
    protocol += ["--prevalence-note", "Half are generated.", "--equivalence-margin", "0.1"]
    practice = ["--practice", f"{names[0]}=1"]

    call_command(
        "study", "create", "Mine", *images, *practice, *protocol, "--canvas", "64", "--sessions", "2"
    )
    Enrolment.enrol(Study.objects.get(name="Mine"), rater)
    call_command("study", "freeze", "Mine")
    capsys.readouterr()
    call_command("study", "audit", "Mine", "--json")
    audit = json.loads(capsys.readouterr().out)
    red(Study.objects.get(name="Mine"))
    with pytest.raises(CommandError, match=r"The blinding audit is red.*--override REASON --by EMAIL"):
        call_command("study", "open", "Mine")
    call_command("study", "open", "Mine", "--override", "Declared.", "--by", organiser().email)
    call_command("study", "simulate", "Pool", "--raters", "2")
    call_command("study", "copy", "Mine", "--as", "Mine again")

    mine = Study.objects.get(name="Mine")
    assert audit["verdict"] in {"green", "unknown", "amber"}
    assert len(audit["findings"]) == 13
    assert mine.is_open
    assert mine.sessions == 2
    assert mine.strata.filter(role="practice").count() == 1
    assert mine.strata.get(label="covid").count == 2
    assert (mine.going_back, mine.reason_list, mine.bits) == ("none", ["Ribs", "Vessels"], 16)
    assert (mine.fixed_zoom, mine.fixed_window, mine.ask_confidence) == (True, False, False)
    assert (mine.prevalence_note, mine.equivalence_margin) == ("Half are generated.", 0.1)
    assert Study.objects.get(name="Pool (simulated)").is_unblinded
    assert Study.objects.get(name="Mine again").sessions == 2


def test_an_impossible_protocol_is_refused_in_a_sentence():
    with pytest.raises(CommandError, match="less than or equal to 5"):
        call_command("study", "create", "Bad", "--images", "None=1", "--sessions", "9")


def test_the_planner_answers_in_curves_and_numbers(browser):
    page = browser.get(reverse("rating:planner"), {"rate": "0.3"})
    figure = browser.get(reverse("rating:planner_figure", args=["kappa"]))
    nonsense = browser.get(reverse("rating:planner_figure", args=["fool-rate"]), {"rate": "7"})

    assert page.content.decode().count("<img") == 5
    assert figure["Content-Type"] == "image/svg+xml"
    assert b"<svg" in figure.content
    assert nonsense.status_code == 404


def test_the_planner_draws_in_the_colours_of_the_page(browser):
    page = browser.get(reverse("rating:planner")).content.decode()
    address = reverse("rating:planner_figure", args=["kappa"])

    dark, light = (browser.get(address, query).content.decode() for query in ({}, {"light": ""}))

    assert page.count('media="(prefers-color-scheme: light)"') == page.count("&amp;light") == 5
    assert (SCREEN.ground in dark, PRINT.ground in light) == (True, True)
    assert SCREEN.ground not in light


def test_the_smallest_kappa_has_its_curve_too(browser):
    figure = browser.get(reverse("rating:planner_figure", args=["kappa"]), {"expected": "0.1"})

    assert b"<svg" in figure.content


def test_more_raters_narrow_an_interval_more_than_more_images():
    assert fool_rate_half_width(0.5, 0.15, 10, 40) < fool_rate_half_width(0.5, 0.15, 5, 1000)
    assert len(fool_rate(0.5, 0.15).curves["10 raters"]) == len(IMAGES)


@pytest.mark.parametrize("raters", [2, 5])
def test_the_lower_end_of_kappa_is_where_so_many_images_would_put_it(raters):
    low = kappa_lower_end(0.4, (0.3, 0.7), raters, 120)

    assert images_for_kappa_interval(low + 1e-9, 0.4, (0.3, 0.7), raters) in {120, 121}
    assert kappa_lower_end(0.1, (0.3, 0.7), raters, 3) == 0


@pytest.mark.parametrize(
    ("endpoint", "quantity", "sentence"),
    [
        ("fool rate", "Fool rate", f"± {fool_rate_half_width(0.5, 0.15, 5, 20):.2f} with 5 raters"),
        ("accuracy", "Accuracy", f"± {fool_rate_half_width(0.5, 0.15, 5, 40):.2f} with 5 raters"),
        ("auc", "AUC", "± 0.15 for one rater"),
        ("agreement", "κ", f"from {kappa_lower_end(0.4, (0.5, 0.5), 5, 40):.2f} with 5 raters"),
    ],
)
def test_a_planned_study_tells_how_sharp_its_own_endpoint_gets(endpoint, quantity, sentence):
    plan = precision(endpoint, 20, 20)

    assert plan.quantity == quantity
    assert plan.sentence.startswith(sentence)
    assert precision("no endpoint", 20, 20) is None
    assert precision("auc", 20, 0) is None


def test_the_planned_kappa_is_the_published_example():
    """Donner & Eliasziw 1992: κ 0.4 against 0.6, prevalence 0.3, two raters."""
    assert kappa(0.6, 0.3).curves["2 raters"][2] == 191


def test_the_planned_interval_ends_where_the_test_would_begin_to_reject():
    """Two raters, κ 0.6 found, prevalence 0.3: the distance to 0.4 reaches 3.84, and with an image less does not."""
    images = kappa_interval(0.6, 0.3).curves["2 raters"][2] or 0

    found, at_end = ([k * p + (1 - k) * p**2 for p in (0.3, 0.7)] for k in (0.6, 0.4))
    found, at_end = ([*agreed, 1 - sum(agreed)] for agreed in (found, at_end))
    per_image = sum((a - b) ** 2 / b for a, b in zip(found, at_end, strict=True))
    assert (images - 1) * per_image < 3.8415 <= images * per_image


def test_power_grows_with_raters():
    powers = [power or 0 for power in comparison(0.05).curves["160 images"]]

    assert powers == sorted(powers)
