"""A study moves one way: draft, frozen, open, closed, unblinded."""

import io
import struct

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from PIL import Image as PillowImage

from audit.models import Event
from rating.blinding.freeze_runner import FreezeSteps
from rating.models import Enrolment, Freeze, Presentation, RatingRevision, Study
from rating.studies.study import NotPossibleError
from rating.studies.study_copy import copy_of
from tests.rating.cast import draft_study, frozen_study, open_study, organiser, over_study, presentations

pytestmark = pytest.mark.django_db


def chunks(png: bytes) -> list[bytes]:
    names, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        names.append(png[at + 4 : at + 8])
        at += length + 12
    return names


def test_freezing_writes_every_image_the_same_way(rater):
    study = frozen_study(raters=[rater], real=3, fake=3)

    for study_image in study.images.all():
        with study_image.derivative.open("rb") as file:
            png = file.read()
        assert set(chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}
        image = PillowImage.open(io.BytesIO(png))
        assert (image.size, image.mode) == ((64, 64), "L")


def test_derivatives_are_named_by_chance_not_by_origin(rater):
    study = frozen_study(raters=[rater])

    for study_image in study.images.select_related("image"):
        assert study_image.image.pk.hex not in str(study_image.derivative.name)
        assert "real" not in str(study_image.derivative.name)


def test_each_rater_gets_every_image_once_in_an_order_of_their_own(rater, other_rater):
    study = frozen_study(raters=[rater, other_rater], real=8, fake=8)

    orders = [[p.study_image_id for p in presentations(study, person)] for person in (rater, other_rater)]

    assert sorted(orders[0]) == sorted(orders[1]) == sorted(study.images.values_list("pk", flat=True))
    assert orders[0] != orders[1]


def test_a_rater_enrolled_after_the_freeze_gets_an_order_too(rater, other_rater):
    study = frozen_study(raters=[rater])

    Enrolment.enrol(study, other_rater)

    assert len(presentations(study, other_rater)) == study.images.count()


def test_enrolling_twice_changes_nothing(rater):
    study = frozen_study(raters=[rater])

    assert Enrolment.enrol(study, rater) == study.enrolments.get()
    assert study.enrolments.count() == 1


def test_whoever_sees_the_pool_cannot_be_enrolled(researcher):
    study = frozen_study()

    with pytest.raises(NotPossibleError, match="cannot rate"):
        Enrolment.enrol(study, researcher)


def test_freezing_asks_for_enough_images():
    study = draft_study(real=2, fake=2)
    study.strata.update(count=5)

    assert "5 are asked for" in study.reasons_not_to_freeze()[0]
    freeze = Freeze.objects.create(study=study)
    freeze.perform()
    assert freeze.state == Freeze.State.FAILED
    assert Study.objects.get(pk=study.pk).is_draft


def test_a_freeze_that_was_killed_goes_on_where_it_stopped(rater):
    study = draft_study(real=3, fake=3)
    Enrolment.enrol(study, rater)
    killed = Freeze.objects.create(study=study)
    killed.claim()
    FreezeSteps(killed).choose_images()
    chosen = set(study.images.values_list("image_id", flat=True))
    Freeze.objects.filter(pk=killed.pk).update(state=Freeze.State.QUEUED)

    killed.perform()

    assert killed.state == Freeze.State.SUCCEEDED
    assert set(study.images.values_list("image_id", flat=True)) == chosen
    assert len(presentations(study, rater)) == 6


def test_a_freeze_killed_in_its_audit_goes_on_with_the_audit(rater, monkeypatch):
    class Killed(BaseException):
        pass

    def die(_freeze):
        raise Killed

    study = draft_study()
    Enrolment.enrol(study, rater)
    freeze = Freeze.objects.create(study=study)
    with monkeypatch.context() as killing:
        killing.setattr(FreezeSteps, "_audit", die)
        with pytest.raises(Killed):
            freeze.perform()
    Freeze.objects.update(state=Freeze.State.QUEUED)

    freeze = Freeze.objects.get()
    freeze.perform()

    assert (freeze.state, freeze.error) == (Freeze.State.SUCCEEDED, "")
    assert study.blinding_audits.get().verdict


def test_a_study_frozen_under_another_form_of_manifest_goes_its_way(rater, monkeypatch):
    """A manifest names what a study was when it was frozen; nothing makes it again to compare."""
    monkeypatch.setattr("rating.blinding.freeze_runner.manifest_sha256", lambda _study: "a" * 64)

    study = over_study(raters=[rater], unblinded=True)
    study.blinding_audits.create().perform()

    assert study.manifest_sha256 == "a" * 64
    assert study.blinding_audit.verdict
    assert copy_of(study, by=None).manifest_sha256 == ""


def test_only_one_freeze_at_a_time():
    study = draft_study()
    Freeze.objects.create(study=study)

    with pytest.raises(IntegrityError), transaction.atomic():
        Freeze.objects.create(study=study)


def test_a_study_without_raters_does_not_open():
    study = frozen_study()

    with pytest.raises(NotPossibleError, match="Invite at least one rater"):
        study.open(organiser())


def test_states_are_not_skipped(rater):
    study = open_study(raters=[rater])

    with pytest.raises(NotPossibleError, match="closed can become unblinded"):
        study.unblind(organiser(), "I am curious.")


def test_unblinding_needs_a_reason_and_is_logged(rater):
    study = over_study(raters=[rater])

    with pytest.raises(NotPossibleError, match="Say why"):
        study.unblind(organiser(), "  ")
    study.unblind(organiser(), "All raters have finished.")

    event = study.events.get(action="unblinded")
    assert event.actor == organiser().uuid
    assert event.reason == "All raters have finished."


def test_what_was_said_cannot_be_changed_behind_the_scenes(rater):
    over_study(raters=[rater])

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RatingRevision.objects.update(label="unsure")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.all().delete()


def test_images_that_ratings_point_to_cannot_be_deleted(rater):
    study = over_study(raters=[rater])

    with pytest.raises(ProtectedError):
        study.images.first().image.delete()
    assert Presentation.objects.filter(sitting__enrolment__study=study).count() == 6


def test_a_study_is_not_changed_under_a_running_freeze():
    study = draft_study()
    Freeze.objects.create(study=study).claim()

    with pytest.raises(NotPossibleError, match="being frozen"):
        study.discard_preparation()


def test_a_freeze_whose_images_vanished_fails_and_leaves_a_draft(monkeypatch):
    study = draft_study()
    freeze = Freeze.objects.create(study=study)
    monkeypatch.setattr(FreezeSteps, "make_orders", lambda self: self.study.images.all().delete())

    freeze.perform()

    assert freeze.state == Freeze.State.FAILED
    assert "changed while it was being frozen" in freeze.error
    assert Study.objects.get(pk=study.pk).is_draft


def test_a_study_whose_raters_have_all_withdrawn_does_not_open(rater):
    study = frozen_study(raters=[rater])
    study.enrolments.get().withdraw(organiser(), "Has left.")

    assert "Invite at least one rater." in study.reasons_not_to_open()
