"""Raters of known sensitivity and bias, from freeze to report: their numbers lie within the intervals that are printed."""

from statistics import NormalDist
from typing import Any

import pytest

from rating.models import Freeze, Presentation, Rating, RatingRevision, Study
from rating.reading import simulation
from rating.reading.simulation import UNSURE, Readers, finish, simulate
from rating.results.build_report import results_of
from tests.rating.cast import draft_study

pytestmark = pytest.mark.django_db
below = NormalDist().cdf


@pytest.fixture
def numbers(monkeypatch):
    """The numbers that depend on the truth, of eight raters alike over eighty images."""
    monkeypatch.setattr("rating.studies.randomness.secrets.randbits", lambda _bits: 2026)
    study = draft_study(real=40, fake=40)
    readers = Readers(raters=8, sensitivity=1.4, bias=0.3, noise=0.0)
    return results_of(simulate(study, readers, seed=3)).truth


def test_sensitivity_and_bias_are_recovered_within_their_intervals(numbers):
    # The evidence of a fake is normal around half the sensitivity, that of a real image around minus half, and both
    # are shifted by the bias; beyond the band of doubt on either side it becomes a call.
    called_fake, called_real = 0.7 - 0.3, -0.7 - 0.3
    sensitivity, fooled = below(called_fake - UNSURE), below(-UNSURE - called_fake)
    specificity = below(-UNSURE - called_real)
    doubt = {"fake": 1 - sensitivity - fooled, "real": 1 - specificity - below(called_real - UNSURE)}
    wrong = next(row for row in numbers.policies if row.policy == "wrong")

    assert holds(wrong.sensitivity.estimate, sensitivity)
    assert holds(wrong.specificity.estimate, specificity)
    assert holds(wrong.accuracy.estimate, (sensitivity + specificity) / 2)
    assert holds(numbers.fool_rate.estimate, fooled)
    assert holds(
        numbers.auc.u_statistic.estimate,
        area(sensitivity, doubt["fake"], specificity, doubt["real"]),
    )
    assert holds(numbers.auc.or_hillis.estimate, area(sensitivity, doubt["fake"], specificity, doubt["real"]))


def test_each_rater_has_the_sensitivity_and_the_criterion_they_were_given(numbers):
    # By one cut for both: “fake” where the evidence is beyond the band of doubt.
    hits, false_alarms = below(0.4 - UNSURE), below(-1.0 - UNSURE)
    z = NormalDist().inv_cdf
    d, criterion = z(hits) - z(false_alarms), -(z(hits) + z(false_alarms)) / 2
    found = [row.detection.fake for row in numbers.per_rater]

    # Each interval misses one time in twenty; among eight, two misses are still the usual run of things.
    assert sum(holds(row.d, d) for row in found) >= 6
    assert sum(holds(row.criterion, criterion) for row in found) >= 6
    assert sum(holds(row.fool_rate, below(-0.4 - UNSURE)) for row in numbers.per_rater) >= 6


def holds(found, value):
    low, high = found.ci
    return low <= value <= high


def area(sensitivity, fakes_in_doubt, specificity, reals_in_doubt):
    """The AUC over real < unsure < fake: a fake above a real image wins, a tie is half."""
    fooled = 1 - sensitivity - fakes_in_doubt
    alarms = 1 - specificity - reals_in_doubt
    wins = sensitivity * (specificity + reals_in_doubt) + fakes_in_doubt * specificity
    ties = sensitivity * alarms + fakes_in_doubt * reals_in_doubt + fooled * specificity
    return wins + ties / 2


@pytest.mark.parametrize("stopped_at", ["freeze", "second rater", "close", "unblind"])
def test_a_reading_whose_worker_died_goes_on_to_its_end_and_nobody_rates_twice(monkeypatch, stopped_at):
    study, readers = draft_study(real=3, fake=3), Readers(raters=3)
    with monkeypatch.context() as patch:
        _die(patch, stopped_at)
        with pytest.raises(KeyboardInterrupt):
            simulate(study, readers)
    copy = study.copies.get()

    finish(copy, readers)

    assert copy.is_unblinded
    assert study.copies.count() == 1
    presentations = Presentation.objects.filter(sitting__enrolment__study=copy)
    assert Rating.objects.count() == presentations.count() == RatingRevision.objects.count() == 18


def _die(patch: pytest.MonkeyPatch, stopped_at: str) -> None:
    """Let the worker be killed where the step begins."""
    read, number = simulation._read, iter(range(9))

    def dies(*_args: object, **_fields: object) -> None:
        raise KeyboardInterrupt

    def second_dies(*args: Any) -> None:
        return dies() if next(number) == 1 else read(*args)

    if stopped_at == "second rater":
        patch.setattr(simulation, "_read", second_dies)
    elif stopped_at == "freeze":
        patch.setattr(Freeze.objects, "create", dies)
    else:
        patch.setattr(Study, stopped_at, dies)
