"""Second questions in results: counted by truth, held against findings, agreement by the kind of question."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from django.urls import reverse

from pool.models import Image
from rating.models import Rating
from rating.results.build_report import report_on, results_of
from rating.statistics.agreement.alpha import alpha, interval_alpha
from rating.statistics.arrays import Floats
from rating.statistics.second_answers import SecondAnswers, Value, second_results
from rating.studies.second_questions import SecondAnswer, checked
from tests.rating.cast import open_study, organiser, presentations

IMAGES = ("a", "b", "c", "d")
TRUTH, FINDING = ("real", "real", "fake", "fake"), ("Normal", "pneumonia", "normal", "Mass")
RATERS = ("R01", "R02")
ANSWERS: dict[tuple[str, str], Value] = {
    ("R01", "a"): "Normal", ("R01", "b"): "Pneumonia", ("R01", "c"): "Pneumonia", ("R01", "d"): "Normal",
    ("R02", "a"): "Normal", ("R02", "b"): "Normal", ("R02", "c"): "Normal",
}  # fmt: skip


def diagnosis(**changes: object) -> SecondAnswers:
    how = {
        "code": "dx", "words": "Diagnosis?", "kind": "choice", "session": 1, "options": ("Normal", "Pneumonia"),
        "is_diagnosis": True, "answers": ANSWERS,
    }  # fmt: skip
    return SecondAnswers(**how | changes)  # type: ignore[arg-type]  # fields by name


def test_answers_are_counted_by_truth_and_a_diagnosis_is_held_against_the_finding():
    results = second_results(diagnosis(), RATERS, IMAGES, TRUTH, FINDING)

    assert results.counts == {
        "fake": {"Normal": 2, "Pneumonia": 1},
        "real": {"Normal": 3, "Pneumonia": 1},
        "all": {"Normal": 5, "Pneumonia": 2},
    }
    assert (results.raters, results.images, results.answers, results.without_finding) == (2, 4, 7, 1)
    assert results.accuracy is not None
    assert {arm: share.estimate.estimate for arm, share in results.accuracy.items()} == {
        "real": 3 / 4, "fake": 1 / 2, "all": pytest.approx(4 / 6),
    }  # fmt: skip
    assert results.agreement["percent_agreement"].estimate == pytest.approx(1 / 3)


def test_of_a_blinded_study_nothing_is_by_truth():
    results = second_results(diagnosis(), RATERS, IMAGES, ("",) * 4, ("",) * 4)

    assert list(results.counts) == ["all"]
    assert (results.accuracy, results.without_finding) == (None, 0)


@pytest.mark.parametrize("seed", range(3))
def test_interval_alpha_from_sums_is_krippendorffs_own(seed):
    chance = np.random.default_rng(seed)
    values: Floats = chance.integers(0, 6, size=(4, 12)).astype(np.float64) + 1000.25
    values[chance.random(values.shape) < 0.3] = np.nan
    levels = sorted(set(values[~np.isnan(values)]))
    counts = np.stack([(values == level).sum(axis=0) for level in levels], axis=1)

    ours, theirs = interval_alpha(values), alpha(counts, "interval", levels)

    assert ours.estimate == pytest.approx(theirs.estimate, abs=1e-9)
    assert ours.se == pytest.approx(theirs.se, abs=1e-9)
    assert ours.ci == pytest.approx(theirs.ci, abs=1e-9)


def test_a_scale_has_ordered_coefficients_and_several_choices_one_each():
    steps: dict[tuple[str, str], Value] = {
        cell: 4 if value == "Normal" else 2 for cell, value in ANSWERS.items()
    }
    ticks: dict[tuple[str, str], Value] = {
        cell: ("Mass",) if value == "Normal" else () for cell, value in ANSWERS.items()
    }

    scale = second_results(
        diagnosis(kind="scale", options=("1", "2", "3", "4", "5"), is_diagnosis=False, answers=steps),
        *(RATERS, IMAGES, TRUTH, FINDING),
    )
    several = second_results(
        diagnosis(kind="multiple", options=("Mass", "Line"), is_diagnosis=False, answers=ticks),
        *(RATERS, IMAGES, TRUTH, FINDING),
    )

    assert list(scale.agreement) == ["percent_agreement", "krippendorff_ordinal", "krippendorff_interval"]
    assert scale.numbers["all"].mean == pytest.approx((5 * 4 + 2 * 2) / 7)
    assert list(several.agreement) == ["fleiss_kappa: Mass", "fleiss_kappa: Line"]
    assert several.counts["all"] == {"Mass": 5, "Line": 0}
    assert several.agreement["fleiss_kappa: Line"].estimate is None


@pytest.mark.django_db
def test_page_report_and_files_of_an_unblinded_study_have_them(client_of, rater, other_rater):
    questions = [
        {
            "code": "dx",
            "words": "Your diagnosis?",
            "kind": "choice",
            "choices": ["Normal", "Mass"],
            "is_diagnosis": True,
        },
        {"code": "quality", "words": "How good?", "kind": "scale"},
        {"code": "why", "words": "Why so?", "kind": "text"},
    ]
    study = open_study(raters=[rater, other_rater], second_questions=checked(questions))
    Image.objects.update(label="normal")
    for person in (rater, other_rater):
        for place, presentation in enumerate(presentations(study, person)):
            said: dict[str, SecondAnswer] = {"dx": "Normal" if place else "Mass", "quality": 1 + place % 5}
            text = {"why": "a thick line"}
            Rating.record(presentation, uuid.uuid4(), label="fake", second_answers=said, second_texts=text)
    study.close(organiser())
    browser = client_of(organiser())
    url = reverse("rating:analysis_question", args=[study.slug, "second"])
    blinded = browser.get(url).text
    study.unblind(organiser(), "All have finished.")

    page = browser.get(url).text
    results = results_of(study)
    titles = [section.title for section in report_on(study, results, "2026-01-31").sections]
    accuracy = browser.get(
        reverse("rating:analysis_figure", args=[study.slug, "second-accuracy", "csv"])
    ).content.decode()

    assert "all images</td>" not in blinded
    assert "all images</td>" in page
    assert "a thick line" in page
    assert "What else did they see?" in titles
    assert "Your diagnosis?,1,all images,0.8333333333333334" in accuracy
    assert results.second[0].accuracy is not None
    assert results.second[0].accuracy["all"].estimate.estimate == pytest.approx(10 / 12)
    assert "Of each image raters were asked besides: dx: Your diagnosis?" in " ".join(
        report_on(study, results, "2026-01-31").sections[1].words
    )
