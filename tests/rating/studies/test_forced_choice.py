"""Pairs and quartets: several images at a time, one of them looked for."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from rating.blinding.freeze_runner import FreezeSteps
from rating.blinding.sets.places import SetInOrder, check_places
from rating.models import Enrolment, Freeze, Presentation, Rating
from rating.reading.machine_raters import enrol_machine
from rating.studies.sittings import ordering
from rating.studies.study import NotPossibleError
from tests.rating.cast import draft_study, open_study, presentations

PAIRS = {"design": "pair", "primary_endpoint": "accuracy"}
QUARTETS = {"design": "quartet", "primary_endpoint": "accuracy"}


def place_of_the_sought(presentation: Presentation) -> int:
    wanted = "real" if presentation.sitting.enrolment.study.sought == "real" else "synthetic"
    return next(
        place
        for place in range(1, len(presentation.places) + 1)
        if presentation.image_at(place).image.origin == wanted
    )


@given(st.integers(0, 2**62), st.integers(0, 60), st.sampled_from([2, 4]))
def test_the_one_looked_for_stands_at_every_place_equally_often(seed, sets, size):
    placed = ordering.placements(sets, size, seed)

    counts = Counter(order.index(0) for order in placed)
    assert all(sorted(order) == list(range(size)) for order in placed)
    assert max(counts.values(), default=0) - min((counts[p] for p in range(size)), default=0) <= 1


def test_over_many_seeds_no_set_favours_a_place():
    stood = Counter(order.index(0) for seed in range(3000) for order in ordering.placements(5, 4, seed)[:1])

    assert all(650 < stood[place] < 850 for place in range(4))


@pytest.mark.django_db
@pytest.mark.parametrize(("design", "real", "fake", "size"), [(PAIRS, 4, 4, 2), (QUARTETS, 3, 9, 4)])
def test_each_set_holds_one_that_is_looked_for_and_every_rater_has_all(
    rater, other_rater, design, real, fake, size
):
    study = open_study(raters=[rater, other_rater], real=real, fake=fake, **design)

    for person in (rater, other_rater):
        shown = presentations(study, person)
        assert len(shown) == real
        sets = [[p.image_at(place) for place in range(1, size + 1)] for p in shown]
        assert sorted(i.code for those in sets for i in those) == sorted(
            study.images.values_list("code", flat=True)
        )
        assert all(
            Counter(i.image.origin for i in those) == {"real": 1, "synthetic": size - 1} for those in sets
        )
        counts = Counter(map(place_of_the_sought, shown))
        assert max(counts.values()) <= -(-real // size)


@pytest.mark.django_db
def test_a_set_goes_by_its_lowest_code_whatever_that_is(rater):
    study = open_study(raters=[rater], real=12, fake=12, **PAIRS)

    heads = study.images.filter(beside=None).select_related("image")

    assert all(head.code < other.code for head in heads for other in head.companions.all())
    assert {head.image.origin for head in heads} == {"real", "synthetic"}


@pytest.mark.django_db
def test_a_repeated_set_comes_back_mirrored(rater):
    study = draft_study(real=12, fake=12, repeats=4, repeat_gap=3, **PAIRS)
    study = opened(study, rater)

    shown = presentations(study, rater)
    first = {p.study_image_id: p.places for p in shown if p.kind == "main"}
    repeats = [p for p in shown if p.kind == "repeat"]

    assert len(repeats) == 4
    assert all(p.places == first[p.study_image_id][::-1] for p in repeats)


def opened(study, *raters):
    from tests.rating.studies.test_two_phases import opened as frozen_and_opened

    study = frozen_and_opened(study, *raters)
    for enrolment in study.enrolments.all():
        enrolment.consent()
    return study


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({**QUARTETS}, "3 real images need 9 others to make sets of 4, not 3"),
        ({**PAIRS, "primary_endpoint": "auc"}, "no AUC or fool rate"),
        ({**PAIRS, "repeats": 3, "repeat_gap": 2}, "do not fit"),
    ],
)
def test_what_makes_no_whole_sets_is_not_frozen(protocol, words):
    (reason,) = draft_study(real=3, fake=3, **protocol).reasons_not_to_freeze()

    assert words in reason


@pytest.mark.django_db
def test_the_places_stand_after_the_freeze(rater):
    study = open_study(raters=[rater], **PAIRS)
    shown = presentations(study, rater)[0]

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Presentation.objects.filter(pk=shown.pk).update(places=shown.places[::-1])


@pytest.mark.django_db
def test_each_place_has_its_image_and_no_other_address_has_one(client_of, rater, other_rater):
    study = open_study(raters=[rater, other_rater], **PAIRS)
    shown, browser = presentations(study, rater)[0], client_of(rater)

    def image(place, who=browser):
        return who.get(reverse("rating:presented_of_set", args=[shown.token, place]))

    got = [image(place) for place in (1, 2)]

    with shown.image_at(2).derivative.open("rb") as file:
        assert got[1].content == file.read()
    assert got[0].content != got[1].content
    assert {**got[0].headers, "Content-Length": ""} == {**got[1].headers, "Content-Length": ""}
    nothing = {image(3).content, image(0).content, image(1, client_of(other_rater)).content}
    nothing.add(browser.get(reverse("rating:presented", args=[shown.token])).content)
    assert len(nothing) == 1
    assert image(3).status_code == 404


@pytest.mark.django_db
def test_without_javascript_a_pair_is_a_page_with_two_images_and_a_form(client_of, rater):
    study = open_study(raters=[rater], **PAIRS)
    shown, browser = presentations(study, rater)[0], client_of(rater)

    page = browser.get(
        reverse("rating:read", args=[study.slug]), headers={"accept": "text/html"}
    ).content.decode()
    rate = reverse("rating:rate", args=[study.slug, shown.token])
    answer = {"label": "2", "client_key": str(uuid.uuid4())}
    refused = browser.post(rate, {**answer, "label": "3"}, headers={"accept": "text/html"})
    browser.post(rate, answer, headers={"accept": "text/html"})

    for place in (1, 2):
        assert f'<noscript><img src="{reverse("rating:presented_of_set", args=[shown.token, place])}"' in page
    assert "Which image is real?" in page
    assert "Set 1 of 3" in page
    assert refused.status_code == 422
    assert Rating.objects.get().label == "2"
    assert Rating.objects.get().revisions.get().label == "2"


@pytest.mark.django_db
def test_the_audit_looks_at_the_places(rater):
    study = open_study(raters=[rater], real=12, fake=12, **PAIRS)

    (finding,) = (f for f in study.blinding_audit.findings if f["check"] == "Places in the sets")

    assert finding["verdict"] == "green"


@pytest.mark.parametrize("size", [2, 4])
def test_fair_places_are_green_over_many_studies(size):
    for seed in range(100):
        orders = []
        for rater in range(6):
            placed = [order.index(0) for order in ordering.placements(40, size, 1000 * seed + rater)]
            order = ordering.make_order(placed, seed=1000 * seed + rater)
            orders.append([SetInOrder(placed[showing.item], "main") for showing in order])
        assert check_places(orders, size=size).verdict == "green"


@pytest.mark.parametrize(
    ("leak", "cue"),
    [
        (lambda at: at * 0, "always one place"),
        (lambda at: at % 2, "counting to two"),
        (lambda at: at // 14, "how far the sitting is"),
        (lambda at: (at // 2) % 2, "counting to four"),
    ],
)
def test_places_that_can_be_guessed_are_red(leak, cue):
    finding = check_places([[SetInOrder(leak(at), "main") for at in range(40)]] * 4, size=4)

    assert finding.verdict == "red"
    guessed = finding.detail["guessed"]
    assert isinstance(guessed, dict)
    assert guessed[cue] > 0.9


@pytest.mark.django_db
def test_no_machine_judges_sets(rater):
    class Looker:
        name, facts = "a machine", {}

        def look(self, image):
            raise AssertionError("it must not be asked")

    with pytest.raises(NotPossibleError, match="one image at a time"):
        enrol_machine(open_study(raters=[rater], **PAIRS), Looker())


@pytest.mark.django_db
def test_a_freeze_killed_between_images_and_sets_goes_on_with_whole_sets(rater, monkeypatch):
    study = draft_study(real=4, fake=4, **PAIRS)
    Enrolment.enrol(study, rater)
    freeze = Freeze.objects.create(study=study)
    with monkeypatch.context() as killed:
        killed.setattr(FreezeSteps, "_tie_sets", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            FreezeSteps(freeze).choose_images()

    freeze.perform()

    assert freeze.state == Freeze.State.SUCCEEDED
    assert study.images.filter(beside=None).count() == 4
