"""Studies too small, too perfect or too one-sided for a number: a reason stands where it would."""

import json
import re
import uuid
import warnings

import pytest

from pool.canonical.typed_json import as_json
from rating.models import Rating
from rating.results.build_report import report_on, results_of
from rating.results.questions import QUESTIONS
from rating.results.report.html import as_html
from tests.rating.cast import open_study, organiser, over_study, presentations, rate_all

pytestmark = pytest.mark.django_db


def study_without_ratings(raters):
    study = open_study(raters=raters)
    study.close(organiser())
    return study


def study_of_few_common_images(raters):
    return over_study(raters=raters, real=2, fake=2)


def study_of_one_label(raters):
    study = open_study(raters=raters, real=3, fake=3)
    for one in raters:
        rate_all(study, one, "fake")
    study.close(organiser())
    return study


def study_of_fakes_only(raters):
    return over_study(raters=raters, real=0, fake=5)


def study_of_reals_only(raters):
    return over_study(raters=raters, real=5, fake=0)


def study_of_a_rater_with_one_image(raters):
    study = open_study(raters=raters, real=6, fake=6)
    rate_all(study, raters[0], "real")
    if len(raters) > 1:
        Rating.record(presentations(study, raters[-1])[0], uuid.uuid4(), label="fake")
    study.close(organiser())
    return study


def study_of_perfect_raters(raters):
    study = open_study(raters=raters, real=4, fake=4)
    truth = {one.code: one.image.origin for one in study.images.select_related("image")}
    for one in raters:
        rate_all(study, one, {code: "real" if origin == "real" else "fake" for code, origin in truth.items()})
    study.close(organiser())
    return study


DEGENERATE = (
    study_without_ratings,
    study_of_perfect_raters,
    study_of_few_common_images,
    study_of_one_label,
    study_of_fakes_only,
    study_of_reals_only,
    study_of_a_rater_with_one_image,
)


@pytest.mark.parametrize("raters", [1, 2])
@pytest.mark.parametrize("make", DEGENERATE)
def test_what_is_undefined_has_a_reason_and_never_shows_nan(make, raters, page, rater, other_rater):
    study = make([rater, other_rater][:raters])
    study.unblind(organiser(), "All have finished.")

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)
        shown = page(study) + page(study, "analysis_images") + page(study, "analysis_remarks")
        shown += "".join(page(study, "analysis_question", question.name) for question in QUESTIONS)
        numbers = results_of(study)
        shown += as_html(report_on(study, numbers, "2026-01-31"), lambda *_drawn_elsewhere: b"").decode()
        json.dumps(as_json(numbers), allow_nan=False)

    words = re.sub(r"<style.*?</style>|<[^>]+>", " ", shown, flags=re.DOTALL)
    assert not re.search(r"\b(nan|NaN|inf|None|Warning)\b", words)
    assert not re.search(r"\.\.(?!\.)", words)  # a reason ends its own sentence
    assert not re.search(r"\b1 (raters|images|ratings),", words)


def test_an_all_fake_study_says_why_it_has_no_specificity(page, rater, other_rater):
    study = study_of_fakes_only([rater, other_rater])
    study.unblind(organiser(), "All have finished.")

    assert "gives no specificity, d′ or AUC" in page(study, "analysis_question", "fooled")
    assert "gives no specificity, d′ or AUC" in page(study, "analysis_question", "telling-apart")
