"""An experiment makes its classifiers one by one, survives its worker, refuses leaks, and handles colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.classifiers.classifier import load
from generation.diffusion.config import ImageClass
from generation.models import TrainingRun, UtilityExperiment
from generation.utility import runner
from pool.canonical.previews import stored_pixels
from pool.models import Image, Modality, NearCopy
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_checkpoint, make_job, make_run
from tests.generation.utility.datasets import fake_dataset, make_experiment, noise, real_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path


def done(experiment: UtilityExperiment) -> UtilityExperiment:
    experiment.perform()
    assert experiment.state == "succeeded", experiment.error
    return experiment


def test_an_experiment_trains_every_arm_and_reports_the_gap() -> None:
    experiment = done(make_experiment())

    assert [fit.arm for fit in experiment.fits.all()] == [
        *("real only", "synthetic only", "real + 1× synthetic", "0.5 of synthetic")
    ]
    assert (experiment.done, experiment.total) == (4, 4)
    assert experiment.report["images"] == {
        "real": {"nodule": 8, "normal": 8},
        "synthetic": {"nodule": 8, "normal": 8},
        "test": {"nodule": 4, "normal": 4},
    }
    assert experiment.report["headline"]["balanced_accuracy"]["mean"]["estimate"] is not None
    assert {part["method"] for part in experiment.report["explanations"]} == {"lime", "grad-cam"}
    assert experiment.explanations.count() == 2 * 2 * 2


def test_its_classifiers_can_be_loaded_and_asked() -> None:
    experiment = done(make_experiment(explained=0))
    greys = [stored_pixels(image) for image in experiment.real.images.all()[:3]]

    classifier = load(experiment.folder / experiment.report["models"]["synthetic only, tiny-resnet"])

    assert classifier.classes == ("nodule", "normal")
    assert classifier.probabilities(greys).shape == (3, 2)
    assert classifier.description.facts["arm"] == "synthetic only"


def test_an_interrupted_experiment_makes_only_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = make_experiment(explained=0)
    fit = runner.Work.fit
    fitted: list[str] = []

    def two_then_cancel(work: runner.Work, plan: runner.Plan) -> None:
        if len(fitted) == 2:
            UtilityExperiment.objects.get(pk=experiment.pk).request_cancel()
        fit(work, plan)
        fitted.append(plan.arm.name)

    with monkeypatch.context() as patched:
        patched.setattr(runner.Work, "fit", two_then_cancel)
        experiment.perform()
    assert experiment.state == "cancelled"
    keys = list(experiment.fits.values_list("pk", flat=True))
    assert experiment.resume(enqueue=False)
    done(UtilityExperiment.objects.get(pk=experiment.pk))

    assert len(keys) == 2
    assert list(experiment.fits.values_list("pk", flat=True))[:2] == keys
    assert experiment.fits.count() == 4


def test_other_images_than_before_make_the_classifiers_so_far_void() -> None:
    experiment = done(make_experiment(explained=0))
    before = set(experiment.fits.values_list("pk", flat=True))
    Image.objects.filter(pk=experiment.real.images.first().pk).update(excluded_reason="blurred")
    UtilityExperiment.objects.filter(pk=experiment.pk).update(state="cancelled")
    experiment.refresh_from_db()

    assert experiment.resume(enqueue=False)
    done(experiment)

    assert not before & set(experiment.fits.values_list("pk", flat=True))


def test_a_patient_in_training_and_test_is_refused() -> None:
    real = real_dataset()
    make_image(real, pixels=noise(1), label="normal", patient="both", split=Image.Split.TRAIN)
    make_image(real, pixels=noise(2), label="normal", patient="both", split=Image.Split.TEST)
    experiment = make_experiment(real)

    experiment.perform()

    assert experiment.state == "failed"
    assert "1 patient with images in training and in the test split" in experiment.error
    assert [leak["kind"] for leak in experiment.leaks] == ["patient"]
    assert not experiment.fits.exists()


def test_a_synthetic_copy_of_a_test_image_is_refused_or_left_out_when_asked() -> None:
    real, fakes = real_dataset(), fake_dataset()
    tested = real.images.filter(split="test").first()
    assert tested is not None
    make_image(fakes, pixels=stored_pixels(tested), label=tested.label)

    refused = make_experiment(real, fakes)
    refused.perform()
    cleaned = done(make_experiment(real, fakes, name="Cleaned", without_copies=True, explained=0))

    assert refused.state == "failed"
    assert "1 training image is a copy or nearly a copy of a test image, 1 of them synthetic" in refused.error
    assert cleaned.report["images"]["synthetic"] == {"nodule": 8, "normal": 8}
    assert any("were left out" in note for note in cleaned.report["notes"])


def test_a_copy_that_a_quality_report_found_is_refused_though_it_is_mirrored() -> None:
    real, fakes = real_dataset(), fake_dataset()
    tested, copied = real.images.filter(split="test")[0], fakes.images.all()[0]
    NearCopy.objects.create(image=copied, of=tested, similarity=0.95, threshold=0.75)
    experiment = make_experiment(real, fakes)

    experiment.perform()

    assert experiment.state == "failed"
    assert "1 training image is a copy or nearly a copy of a test image" in experiment.error


def test_the_test_set_mirrored_is_no_synthetic_set_though_no_quality_report_looked() -> None:
    real, fakes = real_dataset(), fake_dataset()
    for tested in real.images.filter(split="test"):
        make_image(
            fakes,
            pixels=np.ascontiguousarray(stored_pixels(tested)[:, ::-1]).astype(np.uint8),
            label=tested.label,
        )
    experiment = make_experiment(real, fakes)

    experiment.perform()

    assert experiment.state == "failed"
    assert (
        "8 training images are a copy or nearly a copy of a test image, 8 of them synthetic"
        in experiment.error
    )


def test_a_generator_that_has_seen_the_test_images_is_refused(tmp_path: Path) -> None:
    real, fakes = real_dataset(), fake_dataset()
    run = make_run(real)
    checkpoint = make_checkpoint(tmp_path)
    checkpoint.run = run
    checkpoint.save()
    make_job(dataset=fakes, engine="diffusion", checkpoint=checkpoint)
    run.images.set(real.images.all())  # before somebody marked a part for testing
    experiment = make_experiment(real, fakes)

    experiment.perform()

    assert experiment.state == "failed"
    assert "8 test images are of what the generator was trained on" in experiment.error


def test_a_training_run_notes_the_images_it_was_shown() -> None:
    real = real_dataset()
    run = make_run(real)

    run.perform()

    assert set(run.images.all()) == set(real.images.exclude(split="test"))


@pytest.mark.parametrize(
    ("label", "said"),
    [("cyst", "There are no synthetic images of “cyst”"), ("", "nothing to tell apart")],
)
def test_labels_that_make_no_experiment_are_told(label: str, said: str) -> None:
    real = real_dataset()
    real.images.filter(label="nodule").update(label=label)
    experiment = make_experiment(real)

    experiment.perform()

    assert experiment.state == "failed"
    assert said in experiment.error


def test_a_small_dataset_without_a_split_is_told_why() -> None:
    real = real_dataset()
    real.images.update(split="")
    experiment = make_experiment(real)

    experiment.perform()

    assert experiment.state == "failed"
    assert "has no test split" in experiment.error


def test_microscopy_is_trained_and_tested_in_colour() -> None:
    experiment = done(
        make_experiment(
            real_dataset(modality=Modality.MICROSCOPY),
            fake_dataset(modality=Modality.MICROSCOPY),
            colour=True,
            explained=2,
        )
    )

    classifier = load(experiment.folder / experiment.report["models"]["real only, tiny-resnet"])
    assert classifier.description.colour
    assert all(stored_pixels(image).ndim == 3 for image in experiment.real.images.all())


class TestChain:
    """Train a model, generate images of each finding, experiment: three jobs, one after the other."""

    @pytest.fixture
    def experiment(self) -> UtilityExperiment:
        real = real_dataset()
        kinds = tuple(ImageClass("xray", label) for label in ("nodule", "normal"))
        run = make_run(real, "Chain model", classes=kinds)
        fakes = make_dataset(origin="synthetic")
        experiment = make_experiment(real, fakes, explained=0)
        experiment.training, experiment.per_class = run, 6
        experiment.save()
        return experiment

    def test_each_stage_waits_for_the_one_before(self, experiment: UtilityExperiment) -> None:
        assert not experiment.advance(enqueue=False)
        assert experiment.generation is None

        TrainingRun.objects.get(name="Chain model").perform()
        assert not experiment.advance(enqueue=False)
        images = experiment.generation
        assert images is not None
        assert images.total == 12

        images.perform()
        assert images.state == "succeeded", images.error
        assert experiment.advance(enqueue=False)
        done(experiment)

        assert experiment.report["images"]["synthetic"] == {"nodule": 6, "normal": 6}
        assert not experiment.leaks

    def test_a_stage_that_fails_ends_the_experiment_with_its_reason(
        self, experiment: UtilityExperiment
    ) -> None:
        TrainingRun.objects.filter(name="Chain model").update(state="failed", error="No memory.")

        assert not experiment.advance(enqueue=False)

        experiment.refresh_from_db()
        assert experiment.state == "failed"
        assert experiment.error == "The experiment's model could not be made: No memory."

    def test_going_on_queues_the_failed_stage_too(self, experiment: UtilityExperiment) -> None:
        TrainingRun.objects.filter(name="Chain model").update(state="failed")
        experiment.advance(enqueue=False)
        experiment.refresh_from_db()

        assert experiment.resume(enqueue=False)

        experiment.training.refresh_from_db()
        assert (experiment.state, experiment.training.state) == ("queued", "queued")
