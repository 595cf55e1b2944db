"""After the freeze the database itself refuses whatever could confound a study."""

import pytest
from django.db import IntegrityError, transaction

from rating.blinding.freeze_runner import FreezeSteps
from rating.models import Enrolment, Freeze, Presentation, Sitting, Stratum, Study, StudyImage
from rating.studies.study import LIFE, NotPossibleError
from tests.factories import make_dataset, make_image
from tests.rating.cast import draft_study, frozen_study, open_study, organiser, presentations

pytestmark = pytest.mark.django_db

OTHER_VALUES = {
    "sought": "fake",
    "name": "Another",
    "canvas": 65,
    "bits": 16,
    "seed": 1,
    "going_back": "any",
    "burned_in": "mask",
}


def refused(what: str = "stands|frozen|back|complete|cannot be deleted"):
    return pytest.raises(IntegrityError, match=what)


def another(study: Study, name: str):
    value = getattr(study, name)
    if name in OTHER_VALUES:
        return OTHER_VALUES[name]
    if isinstance(value, bool):
        return not value
    return "other" if isinstance(value, str) else (value or 0) + 1


@pytest.mark.parametrize("name", sorted(f.attname for f in Study._meta.concrete_fields if f.name not in LIFE))
def test_no_protocol_field_changes_after_the_freeze(name):
    study = frozen_study()

    with refused("the protocol of a study that is frozen stands"), transaction.atomic():
        Study.objects.filter(pk=study.pk).update(**{name: another(study, name)})


def test_a_draft_may_change():
    study = draft_study()

    Study.objects.filter(pk=study.pk).update(canvas=128, sessions=2)
    study.strata.update(count=2)

    assert Study.objects.get(pk=study.pk).canvas == 128


def test_the_manifest_of_a_frozen_study_stands():
    study = frozen_study()

    with refused(), transaction.atomic():
        Study.objects.filter(pk=study.pk).update(manifest_sha256="0" * 64)


def test_a_study_never_goes_back(rater):
    study = open_study(raters=[rater])

    with refused("never goes back from open to draft"), transaction.atomic():
        Study.objects.filter(pk=study.pk).update(state=Study.State.DRAFT)


def test_strata_and_images_of_a_frozen_study_stand():
    study = frozen_study()
    spare = make_image(make_dataset())

    with refused(), transaction.atomic():
        study.strata.update(count=1)
    with refused(), transaction.atomic():
        Stratum.objects.create(study=study, dataset=spare.dataset, count=1)
    with refused(), transaction.atomic():
        study.images.update(derivative="elsewhere.png")
    with refused(), transaction.atomic():
        StudyImage.objects.create(study=study, image=spare, code="I9999")
    with refused(), transaction.atomic():
        study.images.first().delete()


def test_orders_stand_but_the_first_showing_is_stamped(rater):
    study = open_study(raters=[rater])
    first, second, *_ = presentations(study, rater)

    with refused(), transaction.atomic():
        Presentation.objects.filter(pk=first.pk).update(position=99)
    with refused(), transaction.atomic():
        Presentation.objects.filter(pk=first.pk).update(study_image=second.study_image)
    with refused(), transaction.atomic():
        Presentation.objects.filter(pk=first.pk).delete()
    first.mark_shown()

    first.refresh_from_db()
    assert first.first_shown_at


def test_nothing_is_added_to_a_complete_order(rater):
    study = frozen_study(raters=[rater])
    sitting = Sitting.objects.get(enrolment__study=study)
    image = study.images.get(code="I0001")

    with refused("this order is complete"), transaction.atomic():
        Presentation.objects.create(sitting=sitting, position=99, study_image=image)


def test_a_raters_number_and_seed_stand(rater):
    study = frozen_study(raters=[rater])

    with refused(), transaction.atomic():
        study.enrolments.update(number=7)
    with refused(), transaction.atomic():
        Sitting.objects.filter(enrolment__study=study).update(seed=7)


def test_what_an_unfinished_freeze_left_goes_with_the_next_change_of_the_draft(rater):
    study = draft_study()
    Enrolment.enrol(study, rater)
    freeze = study.freezes.create()
    freeze.claim()
    FreezeSteps(freeze).choose_images()
    FreezeSteps(freeze).make_orders()
    Freeze.objects.update(state=Freeze.State.FAILED)

    study.discard_preparation()

    assert not study.images.exists()
    assert not Sitting.objects.exists()


def test_a_frozen_study_discards_nothing():
    study = frozen_study()

    with pytest.raises(NotPossibleError, match="keeps its images"):
        study.discard_preparation()
    assert study.images.exists()


def test_a_row_number_does_not_tell_the_origin():
    """Rows are made in the order of their codes, and codes by chance: the audit found this leak here."""
    study = frozen_study(real=12, fake=12)

    by_row = list(study.images.order_by("pk").values_list("code", "image__origin"))

    assert [code for code, _ in by_row] == sorted(code for code, _ in by_row)
    assert [origin for _, origin in by_row] not in (
        ["real"] * 12 + ["synthetic"] * 12,
        ["synthetic"] * 12 + ["real"] * 12,
    )


def test_organisers_acts_still_work_on_a_frozen_study(rater, other_rater):
    study = frozen_study(raters=[rater])
    Enrolment.enrol(study, other_rater)
    study.open(organiser())
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")

    assert study.is_unblinded
