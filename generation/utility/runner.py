"""A utility experiment at work: look for leaks, train what is missing, explain, write the report."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from numpy.typing import NDArray

from generation.utility.arms import REAL, SYNTHETIC, Arm, arms_of, stratified
from generation.utility.config import UtilityConfig, UtilityConfigError
from generation.utility.data import Material, material_of, patients_of, squares_of
from generation.utility.external import seed_outside, with_external
from generation.utility.models import UtilityExperiment, UtilityExplanation, UtilityFit
from generation.utility.report import Fitted, HeldOut, Measured
from generation.utility.results import ExplanationOverlap, TrainedFor, UtilityResults
from generation.utility.subgroups import groups_of
from jobs.models import JobFailedError, JobLostError
from jobs.throttle import Throttle
from pool.canonical.attributes import attribute_of
from pool.canonical.pixels import encode_png
from pool.canonical.typed_json import as_json
from pool.models import Image

if TYPE_CHECKING:
    from generation.classifiers.classifier import Classifier
    from generation.classifiers.fitting import Labelled

LONGEST_LOSSES = 200
DIGITS = 6


def carry_out(experiment: UtilityExperiment) -> None:
    """Make what the experiment lacks. Raises JobFailedError, JobCancelledError or JobLostError."""
    from generation.classifiers.fitting import FitFailedError
    from generation.classifiers.networks import WeightsError

    try:
        config = experiment.parsed_config
        experiment.beat(message="Looking for leaks…")
        material = _without_leaks(experiment, config)
        work = Work.of(experiment, config, material)
        for plan in work.missing():
            work.fit(plan)
        experiment.beat(message="Explaining…")
        overlaps = work.explain()
        experiment.beat(message="Writing the report…")
        experiment.report = as_json(replace(work.results(), explanations=overlaps))
        experiment.save(update_fields=["report"])
        external = f" and {len(material.external):,} of the external test set" if material.external else ""
        experiment.beat(
            message=f"{experiment.total} classifiers on {len(material.test):,} test images{external}"
        )
    except (UtilityConfigError, FitFailedError, WeightsError) as error:
        raise JobFailedError(str(error)) from error
    except OSError as error:
        raise JobFailedError(f"A classifier could not be stored ({error.strerror or error}).") from error


def _without_leaks(experiment: UtilityExperiment, config: UtilityConfig) -> Material:
    """The material, refused where it leaks; classifiers of other material than this are void."""
    material = material_of(experiment, config, pulse=Throttle(experiment.beat))
    if config.without_copies:
        material = material.without_copies()
    experiment.leaks = [leak.as_json() for leak in material.leaks]
    experiment.save(update_fields=["leaks"])
    if material.leaks:
        raise JobFailedError("Refused, because the test would be too easy. " + _sentences(material))
    if experiment.material != material.sha256:
        with transaction.atomic():
            experiment.fits.all().delete()
            experiment.explanations.all().delete()
            experiment.material = material.sha256
            experiment.save(update_fields=["material"])
    return material


def _sentences(material: Material) -> str:
    return " ".join(leak.sentence for leak in material.leaks)


@dataclass(frozen=True)
class Plan:
    """One classifier to be: its arm, architecture and seed."""

    arm: Arm
    architecture: str
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        return self.arm.name, self.architecture, self.seed

    @property
    def folder_name(self) -> str:
        arm = re.sub(r"[^a-z0-9.]+", "-", self.arm.name.replace("×", "x")).strip("-")
        return f"{arm}-{self.architecture}-seed{self.seed}"


@dataclass(frozen=True)
class Work:
    """An experiment with its images read and its plans made."""

    experiment: UtilityExperiment
    config: UtilityConfig
    material: Material
    plans: list[Plan]
    notes: list[str]
    real: Labelled
    synthetic: Labelled
    test: Labelled
    external: Labelled | None = None

    @classmethod
    def of(cls, experiment: UtilityExperiment, config: UtilityConfig, material: Material) -> Work:
        from generation.classifiers.fitting import Labelled

        arms, left_out = arms_of(config, real=len(material.real), synthetic=len(material.synthetic))
        plans = [
            Plan(arm, architecture, seed)
            for arm in arms
            for architecture in config.architectures
            for seed in range(config.seeds)
        ]
        experiment.total = len(plans)
        experiment.save(update_fields=["total"])
        experiment.beat(done=experiment.fits.count(), message="Reading the images…")
        pulse = Throttle(experiment.beat)
        sides = [
            Labelled(squares_of(images, config, pulse=pulse), material.numbers(images))
            for images in (material.real, material.synthetic, material.test, material.external)
            if images
        ]
        return cls(experiment, config, material, plans, [*material.notes, *left_out], *sides)

    def missing(self) -> Iterator[Plan]:
        there = set(self.experiment.fits.values_list("arm", "architecture", "seed"))
        return (plan for plan in self.plans if plan.key not in there)

    def fit(self, plan: Plan) -> None:
        """Train and test one classifier and commit it, or nothing of it when the job is another worker's by now."""
        began = time.monotonic()
        self.experiment.beat(message=f"{plan.arm.name}, {plan.architecture}, seed {plan.seed + 1}")
        classifier, losses, sizes = self._trained(plan)
        tested = (self.test, self.external) if self.external else (self.test,)
        probabilities = [np.round(classifier.of_squares(side.squares), DIGITS).tolist() for side in tested]
        if plan.seed == 0:
            classifier.save(self.experiment.folder / plan.folder_name)
        with transaction.atomic():
            own_row = UtilityExperiment.objects.owned_by(self.experiment)
            # The update holds the row until the commit, so nobody can take the job over in between.
            if not own_row.update(done=self.experiment.done + 1):
                raise JobLostError
            self.experiment.fits.create(
                **dict(zip(("arm", "architecture", "seed"), plan.key, strict=True)),
                **sizes,
                probabilities=probabilities[0],
                external_probabilities=probabilities[1] if self.external else [],
                losses=[round(loss, 4) for loss in losses[:: 1 + len(losses) // LONGEST_LOSSES]],
                seconds=round(time.monotonic() - began, 2),
            )
        self.experiment.beat(done=self.experiment.done + 1)

    def _trained(self, plan: Plan) -> tuple[Classifier, list[float], dict[str, int]]:
        from generation.classifiers.classifier import Description
        from generation.classifiers.fitting import Budget, fit

        config = self.config
        real, synthetic = plan.arm.rows(self.real.numbers, self.synthetic.numbers, seed=config.seed)
        halves = [(self.real, real), (self.synthetic, synthetic)]
        before = _joined(halves[1:]) if plan.arm.in_turn else None
        lessons = _joined(halves[:1] if plan.arm.in_turn else halves)
        sizes = {"real": len(real), "synthetic": len(synthetic)}
        steps = {"steps": config.steps, "steps_before": config.steps if before else 0, "batch": config.batch}
        facts = {
            "experiment": str(self.experiment),
            "arm": plan.arm.name,
            "seed": plan.seed,
            **sizes,
            **steps,
        }
        description = Description(plan.architecture, self.material.classes, config.size, config.colour, facts)
        budget = Budget(
            config.steps,
            config.batch,
            config.learning_rate,
            config.augment,
            weights_file(config, plan.architecture),
        )
        seed = int(np.random.SeedSequence([config.seed, plan.seed]).generate_state(1)[0])
        classifier, losses = fit(
            description, lessons, budget, seed=seed, before=before, pulse=Throttle(self.experiment.beat)
        )
        return classifier, losses, sizes

    def explain(self) -> list[ExplanationOverlap]:
        """Maps of a few test images by the networks trained on synthetic and on real ones, and how far they agree."""
        from generation.classifiers.explanations import METHODS, overlap

        if not self.config.explained:
            return []
        places = stratified(self.test.numbers, self.config.explained, seed=self.config.seed)
        agreements: list[ExplanationOverlap] = []
        for architecture in self.config.architectures:
            maps = {
                arm: self._maps(plan, places)
                for arm in (SYNTHETIC, REAL)
                for plan in self.plans
                if plan.key == (arm, architecture, 0)
            }
            for method in METHODS:
                overlaps = [
                    overlap(maps[SYNTHETIC][place, method], maps[REAL][place, method]) for place in places
                ]
                agreements.append(
                    ExplanationOverlap(
                        architecture,
                        method,
                        len(overlaps),
                        _mean([pair.iou for pair in overlaps]),
                        _mean([pair.spearman for pair in overlaps]),
                    )
                )
        return agreements

    def _maps(self, plan: Plan, places: NDArray[np.int64]) -> dict[tuple[int, str], NDArray[np.float64]]:
        """Each explained image's map by each method; images of them are kept."""
        from generation.classifiers.explanations import METHODS, grad_cam_map, lime_map

        classifier, maps = self._classifier(plan), {}
        for place in places:
            square, number = self.test.squares[place], int(self.test.numbers[place])
            probability = float(classifier.of_squares(square[None])[0, number])
            for method in METHODS:
                self.experiment.beat()
                maps[int(place), method] = (
                    lime_map(
                        classifier, square, number, samples=self.config.lime_samples, seed=self.config.seed
                    )
                    if method == "lime"
                    else grad_cam_map(classifier, square, number)
                )
                self._keep(plan, int(place), method, probability, maps[int(place), method])
        return maps

    def _keep(
        self, plan: Plan, place: int, method: str, probability: float, heat: NDArray[np.float64]
    ) -> None:
        from generation.classifiers.explanations import overlay

        which = {
            "image": self.material.test[place],
            "arm": plan.arm.name,
            "architecture": plan.architecture,
            "method": method,
        }
        if self.experiment.explanations.filter(**which).exists():
            return
        row = UtilityExplanation(experiment=self.experiment, probability=probability, **which)
        drawing = encode_png(overlay(self.test.squares[place], heat))
        row.saliency_map.save("", ContentFile(drawing), save=False)
        row.save(force_insert=True)

    def _classifier(self, plan: Plan) -> Classifier:
        """The kept classifier; trained again, to the same weights, where another machine kept it."""
        from generation.classifiers.classifier import ClassifierError, load

        try:
            return load(self.experiment.folder / plan.folder_name)
        except ClassifierError:
            return self._trained(plan)[0]

    def results(self) -> UtilityResults:
        inside = self._measured("probabilities", self.material.test, seed=self.config.seed)
        numbers = inside.report(self.notes)
        if self.external:
            outside = self._measured(
                "external_probabilities", self.material.external, seed=seed_outside(self.config.seed)
            )
            numbers = with_external(inside, outside, str(self.experiment.external), numbers)
        sides = {"real": self.real, "synthetic": self.synthetic, "test": self.test}
        classes = self.material.classes
        counts = {side: np.bincount(half.numbers, minlength=len(classes)) for side, half in sides.items()}
        return replace(
            numbers,
            images={side: dict(zip(classes, of.tolist(), strict=True)) for side, of in counts.items()},
            models={
                f"{plan.arm.name}, {plan.architecture}": plan.folder_name
                for plan in self.plans
                if plan.seed == 0
            },
        )

    def _measured(self, answers: str, images: Sequence[Image], *, seed: int) -> Measured:
        """Every classifier by what it said of these images; `answers` is the field of a fit that holds it."""
        rows = {(fit.arm, fit.architecture, fit.seed): fit for fit in self.experiment.fits.all()}
        fitted = [
            self._fitted(
                arm, [rows[arm.name, architecture, seed] for seed in range(self.config.seeds)], answers
            )
            for arm, architecture in dict.fromkeys((plan.arm, plan.architecture) for plan in self.plans)
        ]
        groups = {
            attribute: groups_of([attribute_of(image.provenance, attribute) for image in images])
            for attribute in self.config.subgroups
        }
        truth = self.material.numbers(images)
        test = HeldOut(truth, patients_of(images), self.material.classes, groups)
        return Measured.of(fitted, test, resamples=self.config.resamples, seed=seed)

    def _fitted(self, arm: Arm, rows: list[UtilityFit], answers: str) -> Fitted:
        first, config = rows[0], self.config
        probabilities = np.array([getattr(row, answers) for row in rows], dtype=np.float64)
        budget = TrainedFor(config.steps, config.steps if arm.in_turn else 0, config.batch)
        return Fitted(first.arm, first.architecture, first.real, first.synthetic, probabilities, budget)


def _joined(halves: list[tuple[Labelled, NDArray[np.int64]]]) -> Labelled:
    """The images of these rows, one half behind the other."""
    from generation.classifiers.fitting import Labelled

    return Labelled(
        np.concatenate([half.squares[rows] for half, rows in halves]),
        np.concatenate([half.numbers[rows] for half, rows in halves]),
    )


def weights_file(config: UtilityConfig, architecture: str) -> str:
    """The file of the home's models/weights that this architecture starts from; empty for none. Raises UtilityConfigError."""
    name = config.weights.get(architecture, "")
    if not name:
        return ""
    path = Path(settings.MODELS_DIR) / "weights" / name
    if not path.is_file():
        raise UtilityConfigError(f"There is no weights file {name!r} in {path.parent}.")
    return str(path)


def _mean(values: list[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
