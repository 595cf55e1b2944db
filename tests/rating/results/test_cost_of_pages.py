"""What a page of an analysis reads does not grow with what else the site holds."""

from typing import Any

import pytest

from pool.models import Image
from rating.models import Study
from rating.results.cache import states_of
from tests.database_work import Work, analyze, database_work
from tests.rating.long_study import long_study

pytestmark = pytest.mark.django_db
OWN, ELSEWHERE = 400, (1000, 6000)


def state(study: Study) -> tuple[Any, Work]:
    analyze()
    with database_work() as work:
        states = states_of([study])
    return states[study.pk], work


def test_the_state_of_a_study_is_told_from_its_own_images_alone(rater: Any) -> None:
    study = long_study("Own", raters=[rater], images=OWN)
    study.state = Study.State.UNBLINDED  # as far as its numbers go
    works = []
    for number, images in enumerate(ELSEWHERE):
        long_study(f"Elsewhere {number}", raters=[], images=images)
        Image.objects.update(label="normal")
        works.append(state(study)[1])

    few, many = works
    assert len(many.queries) == len(few.queries)
    assert many.rows <= few.rows + 20


def test_a_finding_that_becomes_known_later_is_another_state(rater: Any) -> None:
    study = long_study("Own", raters=[rater], images=OWN)
    study.state = Study.State.UNBLINDED

    before, _ = state(study)
    Image.objects.filter(pk=study.images.all()[0].image_id).update(label="nodule")
    after, _ = state(study)

    assert before != after
