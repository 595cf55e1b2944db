"""How long 100 raters × 10,000 images take to freeze once the derivatives are made, and how much memory.

    python bench/freeze.py [--raters 100] [--images 10000] [--repeats 0]
    python bench/freeze.py --audited 1000 [--side 512]      a whole freeze, from files to audit, in processor time

Runs in a throwaway home with a database of its own; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rating.models import Study

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raters", type=int, default=100)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=0)
    parser.add_argument(
        "--audited", type=int, default=0, help="so many images with files: everything a freeze does"
    )
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lungrater-bench-") as home:
        os.environ["LUNGRATER_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "lungrater.settings"
        import django

        django.setup()
        from django.core.management import call_command

        from lungrater.embedded.running import running

        with running(who="bench"):
            call_command("migrate", verbosity=0)
            if options.audited:
                print(json.dumps(measure_audited(options.audited, options.side)))
            else:
                print(json.dumps(measure(options.raters, options.images, options.repeats)))


def measure(raters: int, images: int, repeats: int) -> dict[str, float]:
    from rating.blinding.freeze_runner import FreezeSteps
    from rating.models import Freeze, Presentation, Sitting

    study = study_with_derivatives(raters, images, repeats)
    freeze = Freeze.objects.create(study=study)
    freeze.claim()
    freeze.total = study.images.count()  # as after the images are blinded
    before = peak_mb()
    began = time.perf_counter()
    FreezeSteps(freeze).make_orders()
    after_orders = time.perf_counter()
    FreezeSteps(freeze).fix()
    ended = time.perf_counter()
    return {
        "raters": raters,
        "images": images,
        "presentations": Presentation.objects.count(),
        "sittings": Sitting.objects.count(),
        "orders_s": round(after_orders - began, 1),
        "fix_s": round(ended - after_orders, 1),
        "freeze_s": round(ended - began, 1),
        "memory_before_mb": before,
        "memory_peak_mb": peak_mb(),
    }


def measure_audited(images: int, side: int) -> dict[str, float | str]:
    """Processor and wall seconds of a freeze of images of one kind dealt to two arms, its audit included."""
    from rating.models import Freeze

    study = study_with_files(images, side)
    freeze = Freeze.objects.create(study=study)
    wall, processor = time.perf_counter(), time.process_time()
    freeze.perform()
    return {
        "images": images,
        "side": side,
        "state": freeze.state,
        "verdict": study.blinding_audits.get().verdict,
        "processor_s": round(time.process_time() - processor, 1),
        "wall_s": round(time.perf_counter() - wall, 1),
        "memory_peak_mb": peak_mb(),
    }


def study_with_files(images: int, side: int) -> Study:
    from PIL import Image as Canvas

    from pool.imports.store import add_image
    from pool.models import Dataset
    from rating.models import Stratum, Study

    dice = np.random.default_rng(0)
    study = Study.objects.create(name="Bench", canvas=side, seed=2022)
    for origin in ("real", "synthetic"):
        dataset = Dataset.objects.create(name=origin, origin=origin, modality="xray")
        for number in range(images // 2):
            shapes = Canvas.fromarray(dice.integers(0, 255, (24, 24), dtype=np.uint8)).resize((side, side))
            pixels = np.clip(np.asarray(shapes) + dice.normal(0, 5, (side, side)), 0, 255).astype(np.uint8)
            add_image(dataset, pixels, label="normal", patient=f"{origin} {number}")
        Stratum.objects.create(study=study, dataset=dataset, count=images // 2)
    return study


def study_with_derivatives(raters: int, images: int, repeats: int) -> Study:
    """A draft with all its images chosen and, so it says, blinded; no file is written."""
    from accounts.models import User
    from pool.models import Dataset, Image
    from rating.models import Enrolment, Stratum, Study, StudyImage

    study = Study.objects.create(name="Bench", repeats=repeats)
    number = 0
    for origin, modality in (("real", "xray"), ("synthetic", "xray"), ("real", "ct"), ("synthetic", "ct")):
        dataset = Dataset.objects.create(name=f"{origin} {modality}", origin=origin, modality=modality)
        count = images // 4
        stored = Image.objects.bulk_create(
            (
                Image(
                    dataset=dataset,
                    origin=origin,
                    modality=modality,
                    pixel_sha256=uuid.uuid4().hex,
                    width=8,
                    height=8,
                    bits=8,
                )
                for _ in range(count)
            ),
            batch_size=2000,
        )
        Stratum.objects.create(study=study, dataset=dataset, count=count)
        rows = []
        for image in stored:
            number += 1
            rows.append(StudyImage(study=study, image=image, code=f"I{number:05}", derivative="there"))
        StudyImage.objects.bulk_create(rows, batch_size=2000)
    for index in range(raters):
        Enrolment.enrol(study, User.objects.create_user(f"r{index}@bench.invalid"))
    return study


def peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


if __name__ == "__main__":
    main()
