"""A quality report at work: two datasets out of the pool, the comparison, and its verdicts back into the tables."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.files.base import ContentFile
from django.db import transaction

from generation.metrics.feature_extractor import Extractor, ExtractorError
from generation.metrics.machine_rater import occlusion_map
from generation.metrics.number import OF_FEATURES, Number
from generation.metrics.radiomics.program import RadiomicsError
from generation.metrics.saliency import strip
from generation.metrics.spectra import histograms, radial_spectra
from generation.quality.extraction import Sides, arm_of, extracted, passes
from generation.quality.models import QualityReport
from generation.quality.results import Comparison, NearestPair, QualityResults
from jobs.models import JobFailedError
from jobs.throttle import Throttle
from pool.canonical.measurements import MeasuredBy, Measurement
from pool.canonical.pixels import fitted_square
from pool.canonical.previews import stored_pixels
from pool.models import Dataset, Image, NearCopy

if TYPE_CHECKING:
    from generation.metrics.summary import Arm, Space, Summary

LARGEST_CANVAS, SMALLEST_CANVAS = 128, 32
PAIRS_KEPT = 200


def judge(report: QualityReport) -> None:
    """Compare as the report says and keep what was found. Raises JobFailedError."""
    real, fake = _sample(report, report.reference_images()), _sample(report, report.candidate.images.usable())
    for dataset, images in ((report.reference, real), (report.candidate, fake)):
        if not images:
            raise JobFailedError(f"“{dataset}” has no images to compare.")
    trained = _training_images(report, fake)
    report.total = (len(real) + len(fake)) * passes(report) + len(trained)
    report.save(update_fields=["total"])
    sides = Sides(_square(real, fake), _canvas([*real, *fake]), report.reference.modality == "microscopy")
    report.beat(done=0, message="Loading the extractor…")
    try:
        extraction = extracted(report, (real, fake), sides, lambda images: _beating(report, images))
    except (ExtractorError, RadiomicsError) as error:
        raise JobFailedError(str(error)) from error
    arms = [arm_of(images, extraction, place) for place, images in enumerate((real, fake))]
    training = _on_canvas(report, trained, sides)
    summary = _compared(report, arms[0], arms[1], training, spaces=extraction.spaces)
    results: QualityResults = {
        **_comparison(summary, real, fake, [*real, *trained]),
        "extractor": extraction.facts[0],
        "extractors": extraction.facts,
        "canvas": sides.canvas,
        "n_training": len(trained),
    }
    _keep(report, summary, results, _saliency(report, arms[1], summary, extraction.network))


def _on_canvas(report: QualityReport, images: Sequence[Image], sides: Sides) -> Any:
    squares = [
        fitted_square(stored_pixels(image), side=sides.canvas, colour=sides.colour)
        for image in _beating(report, images)
    ]
    return np.stack(squares) if squares else np.empty((0, sides.canvas, sides.canvas), dtype=np.uint8)


def _sample(report: QualityReport, images: Any) -> list[Image]:
    """The images, or as many of them as may be, drawn by the seed; always in the same order."""
    every = list(images.order_by("pixel_sha256"))
    if len(every) <= report.most:
        return every
    return sorted(random.Random(report.seed).sample(every, report.most), key=lambda i: str(i.pixel_sha256))  # noqa: S311  # a sample, no secret


def _training_images(report: QualityReport, fake: Sequence[Image]) -> list[Image]:
    """Real images that the fakes' models have seen and the reference does not hold."""
    names = {name for image in fake for name in image.learned_from} - {report.reference.name}
    of_models = Image.objects.usable().filter(dataset__in=Dataset.objects.filter(name__in=names))
    rest = Image.objects.none()
    if report.split:
        rest = report.reference.images.usable().exclude(pk__in=report.reference_images().values("pk"))
    return [*_sample(report, of_models.exclude(dataset=report.candidate)), *_sample(report, rest)]


def _canvas(images: Sequence[Image]) -> int:
    """One size for all: the smallest image's, so that neither arm is enlarged more than the other."""
    smallest = min(min(image.width, image.height) for image in images)
    return max(SMALLEST_CANVAS, min(LARGEST_CANVAS, smallest))


def _square(*arms: Sequence[Image]) -> int:
    """The side at which both arms meet the extractor: the smaller arm's usual one.

    Fakes of the side that their model was trained at meet the real images as it saw them.
    """
    usual = min(median_low(min(image.width, image.height) for image in arm) for arm in arms)
    return max(SMALLEST_CANVAS, usual)


def _beating(report: QualityReport, images: Sequence[Image]) -> Iterator[Image]:
    pulse = Throttle(lambda: report.beat(done=done, message="Reading the images…"))
    done = report.done
    for image in images:
        yield image
        done += 1
        pulse()
    report.beat(done=done)


def _compared(
    report: QualityReport, real: Arm, fake: Arm, training: Any, *, spaces: Sequence[Space]
) -> Summary:
    from generation.metrics.summary import compare

    pulse = Throttle(report.beat)

    def beat(message: str) -> None:
        if message:
            report.beat(message=message)
        pulse()

    return compare(real, fake, training, spaces=spaces, seed=report.seed, beat=beat)


def _comparison(
    summary: Summary, real: Sequence[Image], fake: Sequence[Image], real_images: Sequence[Image]
) -> Comparison:
    """The report as JSON, its images by key."""
    from generation.metrics.summary import as_json

    def pair(place: int) -> NearestPair:
        of = int(summary.copies.nearest.place[place])
        return {
            "fake": str(fake[place].pk),
            "of": str(real_images[of].pk) if of >= 0 else None,
            "similarity": round(float(summary.copies.nearest.similarity[place]), 4),
            "chance": None if summary.chance is None else round(float(summary.chance[place]), 4),
        }

    def keys(images: Sequence[Image], pairs: Sequence[tuple[int, int]]) -> list[list[str]]:
        return [[str(images[i].pk), str(images[j].pk)] for i, j in pairs[:PAIRS_KEPT]]

    copies = summary.copies
    return {
        **as_json(summary),
        "n_real": len(real),
        "n_fake": len(fake),
        "copies": [pair(place) for place in copies.places],
        "duplicates": {"real": keys(real, copies.within_real), "fake": keys(fake, copies.within_fake)},
        "n_duplicates": {"real": len(copies.within_real), "fake": len(copies.within_fake)},
        "closest": [pair(place) for place in summary.closest],
        "best": [pair(place) for place in summary.best],
        "worst": [pair(place) for place in summary.worst],
    }


def _saliency(report: QualityReport, fake: Arm, summary: Summary, network: Extractor) -> bytes:
    """Where the machine rater looked on the worst fakes; empty where there is no rater."""
    if summary.rater is None:
        return b""
    from generation.metrics.summary import rater_features

    report.beat(message="Drawing where the machine rater looked…")
    rater, n_real = summary.rater, report_size(summary) - len(fake)
    pulse = Throttle(report.beat)
    maps = []
    for place in summary.worst:

        def chance_of(versions: list[Any], place: int = place) -> Any:
            stacked = np.stack(versions)
            rows = rater_features(
                network.features(versions).astype(np.float64), histograms(stacked), radial_spectra(stacked)
            )
            return rater.of_part(n_real + place, rows)

        maps.append(occlusion_map(fake.images[place], chance_of))
        pulse()
    return strip([fake.images[place] for place in summary.worst], maps)


def report_size(summary: Summary) -> int:
    """How many images the machine rater judged, of both arms."""
    return 0 if summary.rater is None else len(summary.rater.chance)


@transaction.atomic
def _keep(report: QualityReport, summary: Summary, results: QualityResults, saliency: bytes) -> None:
    report.results = results
    if saliency:
        report.saliency.save("", ContentFile(saliency), save=False)
    report.save(update_fields=["results", "saliency"])
    write_verdicts(report)
    report.beat(done=report.total, message=_in_words(results))


def write_verdicts(report: QualityReport) -> None:
    """What the pool keeps: near-copies, so that no study shows one unawares, and the dataset's numbers."""
    results: QualityResults = report.results
    images = Image.objects.filter(dataset=report.candidate)
    NearCopy.objects.filter(image__in=images, of__dataset=report.reference).delete()
    calibration = results["calibration"]
    NearCopy.objects.bulk_create(
        (
            NearCopy(
                image_id=pair["fake"],
                of_id=pair["of"],
                similarity=pair["similarity"],
                threshold=calibration["threshold"],
            )
            for pair in results["copies"]
            if pair["of"]
        ),
        update_conflicts=True,
        unique_fields=["image", "of"],
        update_fields=["similarity", "threshold"],
    )
    dataset = Dataset.objects.select_for_update().get(pk=report.candidate_id)
    dataset.measurements = _measurements(
        report
    )  # the latest report alone, so that no number outlives its comparison
    dataset.save(update_fields=["measurements"])


def _measurements(report: QualityReport) -> dict[str, Measurement]:
    """By key; of the first extractor's numbers the key alone, of further ones with its name."""
    results: QualityResults = report.results
    sha256 = {facts["name"]: facts["sha256"] for facts in report.extractor_facts}
    first = results["extractor"]["name"]

    def shared(extractor: str) -> MeasuredBy:
        return {
            "reference": report.reference.name,
            "extractor": extractor,
            "extractor_sha256": sha256.get(extractor, ""),
            "report": report.pk,
        }

    measured: dict[str, Measurement] = {
        _key(number, first): {
            "name": number.name,
            "value": number.estimate,
            "interval": number.ci,
            "n_real": number.n_real,
            "n_fake": number.n_fake,
            **shared(number.extractor or first),
        }
        for number in report.numbers
    }
    measured["copies"] = {
        "name": "Near-copies of real images",
        "value": len(results["copies"]),
        "interval": None,
        "n_real": results["n_real"],
        "n_fake": results["n_fake"],
        **shared(first),
    }
    return measured


def _key(number: Number, first: str) -> str:
    is_further = number.key in OF_FEATURES and number.extractor not in {"", first}
    return f"{number.key}:{number.extractor}" if is_further else number.key


def _in_words(results: QualityResults) -> str:
    return f"{results['n_fake']} fakes against {results['n_real']} real images, {len(results['copies'])} near-copies"
