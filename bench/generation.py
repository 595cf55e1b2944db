"""How fast images are made, against a plain diffusers loop with the same weights, and what the jobs add.

    python bench/generation.py [--json] [--images 16] [--steps 10] [--jobs 10000] [--threads 2]

Three tables: images a second of the shipped model by sampler and batch, ours and plain; of a tiny Stable
Diffusion pipeline, ours and plain; milliseconds of bookkeeping an image, of a claim and of the queue's page
with many jobs waiting. Runs in a throwaway home with servers of its own, on the GPU where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
SHIPPED = Path(__file__).resolve().parent.parent / "generation" / "checkpoints" / "phantom-lungs"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-database", action="store_true", help="only what needs no server")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lungrater-bench-") as home:
        os.environ["LUNGRATER_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "lungrater.settings"
        os.environ.setdefault("LOG_LEVEL", "WARNING")
        import torch

        torch.set_num_threads(asked.threads)
        report: dict[str, Any] = {
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "threads": asked.threads,
            "steps": asked.steps,
            "ours": list(checkpoint_speed(asked.images, asked.steps)),
            "pipeline": list(pipeline_speed(Path(home), asked.images, asked.steps)),
        }
        if not asked.no_database:
            report["jobs"] = with_database(asked.jobs)
    print(json.dumps(report) if asked.json else as_tables(report))


def checkpoint_speed(images: int, steps: int) -> Iterator[dict[str, Any]]:
    """Our engine and the plain loop of scheduler and network that diffusers' own pages teach, in turn."""
    import torch

    from generation.engines.diffusion import CheckpointSource, DiffusionEngine, network_of
    from generation.engines.protocol import GenerationRequest
    from generation.training.config import SAMPLERS
    from generation.training.objectives import make_sampler

    source = CheckpointSource.from_path(SHIPPED)
    net = network_of(source)
    config, device = net.config, next(net.parameters()).device
    cuda = device.type == "cuda"
    kind = config.classes[0]

    def plain(sampler: str, batch: int) -> None:
        for start in range(0, images, batch):
            number = min(batch, images - start)
            schedule = make_sampler(config, sampler)
            schedule.set_timesteps(steps, device=device)
            noisy = torch.randn((number, config.channels, config.size, config.size), device=device)
            classes = torch.zeros(number, dtype=torch.long, device=device)
            with torch.no_grad():
                for at in schedule.timesteps:
                    told = (
                        schedule.scale_model_input(noisy, at)
                        if hasattr(schedule, "scale_model_input")
                        else noisy
                    )
                    noisy = schedule.step(net(told, at.expand(number), classes), at, noisy).prev_sample
            ((noisy.clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()

    def ours(sampler: str, batch: int) -> None:
        settings = {"sampler": sampler, "steps": steps}
        request = GenerationRequest(kind.modality, kind.label, settings=settings)
        list(DiffusionEngine(source, batch=batch).generate(request, range(images)))

    for sampler in SAMPLERS[config.objective]:
        for batch in (1, 4, *((32, 128) if cuda else ())):
            yield {"sampler": sampler, **compared(ours, plain, sampler, batch, images)}


def pipeline_speed(home: Path, images: int, steps: int) -> Iterator[dict[str, Any]]:
    """Our pipeline engine and the plain pipeline call, both on one tiny Stable Diffusion of random weights."""
    import diffusers

    from generation.engines.pipeline import PipelineEngine, PipelineSource
    from generation.engines.protocol import GenerationRequest
    from generation.engines.warm import device_for_work
    from tests.generation.tiny_pipeline import save_tiny_pipeline

    diffusers.utils.logging.set_verbosity_error()
    folder = save_tiny_pipeline(home / "pipelines" / "tiny")
    load: Any = diffusers.StableDiffusionPipeline.from_pretrained  # untyped in diffusers
    pipe = load(str(folder), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device_for_work())

    def plain(_name: str, batch: int) -> None:
        for start in range(0, images, batch):
            number = min(batch, images - start)
            pipe(["a lung"] * number, num_inference_steps=steps, output_type="np")

    def ours(_name: str, batch: int) -> None:
        request = GenerationRequest("xray", prompt="a lung", settings={"steps": steps, "precision": "fp32"})
        list(PipelineEngine(PipelineSource(folder), batch=batch).generate(request, range(images)))

    for batch in (1, 4):
        yield {"sampler": "ddim", **compared(ours, plain, "ddim", batch, images)}


def compared(
    ours: Callable[[str, int], None], plain: Callable[[str, int], None], name: str, batch: int, images: int
) -> dict[str, Any]:
    """Images a second of both, each warmed once and then run in turn, the median of three."""
    paces: dict[str, list[float]] = {"ours": [], "plain": []}
    for turn in range(4):
        for who, make in (("ours", ours), ("plain", plain)):
            began = time.perf_counter()
            make(name, batch)
            if turn:
                paces[who].append(images / (time.perf_counter() - began))
    middle = {who: statistics.median(values) for who, values in paces.items()}
    return {
        "batch": batch,
        "ours_per_s": round(middle["ours"], 3),
        "plain_per_s": round(middle["plain"], 3),
        "ratio": round(middle["ours"] / middle["plain"], 3),
    }


def with_database(jobs: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from lungrater.servers.running import running

    with running(who="bench"):
        call_command("migrate", verbosity=0)
        return {"bookkeeping_ms_per_image": bookkeeping(), **queue_of(jobs)}


def bookkeeping(images: int = 200) -> float:
    """What a job adds to each image beyond storing it: outcome, progress, heartbeat, cancel and turn."""
    from generation.engines.protocol import Picture
    from generation.filling import fill
    from generation.models import GenerationJob
    from pool.importing import add_image
    from pool.models import Dataset
    from tests.factories import make_pixels

    pixels = [make_pixels(side=128) for _ in range(2 * images)]

    class Instant:
        def generate(self, request: Any, indices: Sequence[int]) -> Iterator[Picture]:
            for index in indices:
                request.heartbeat()
                request.may_stop()
                yield Picture(index, index, pixels[index], {})

    def dataset(name: str) -> Dataset:
        return Dataset.objects.create(name=name, origin="synthetic", modality="xray")

    stored, began = dataset("stored"), time.perf_counter()
    for each in pixels[images:]:
        add_image(stored, each, provenance={})
    alone = time.perf_counter() - began
    job = GenerationJob(engine="phantom", modality="xray", dataset=dataset("job"), total=images)
    job.save()
    job.claim()
    began = time.perf_counter()
    fill(job, Instant())
    return round((time.perf_counter() - began - alone) / images * 1000, 2)


def queue_of(number: int) -> dict[str, float]:
    """Milliseconds to find and claim the next job, and for the queue's page, with so many waiting."""
    from django.db import connection
    from django.test import Client

    from generation.models import GenerationJob
    from lungrater.models import User
    from lungrater.roles import Role
    from pool.models import Dataset

    people = [User.objects.create_user(f"p{n}@bench.invalid", role=Role.RESEARCHER) for n in range(5)]
    dataset = Dataset.objects.get(name="job")
    GenerationJob.objects.bulk_create(
        (
            GenerationJob(
                engine="phantom", modality="xray", dataset=dataset, total=10, requested_by=people[n % 5]
            )
            for n in range(number)
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generation_generationjob")
    claims = []
    for _ in range(50):
        began = time.perf_counter()
        found = GenerationJob.objects.next_in_turn("cpu")
        if found is None or not found.claim():
            raise SystemExit("No job was claimed.")
        claims.append((time.perf_counter() - began) * 1000)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(people[0], backend="allauth.account.auth_backends.AuthenticationBackend")
    pages = []
    for _ in range(6):
        began = time.perf_counter()
        answer = browser.get("/generation/")
        pages.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"The page answered {answer.status_code}.")
    return {
        "jobs": number,
        "claim_ms_median": round(statistics.median(claims), 2),
        "claim_ms_worst": round(max(claims), 2),
        "page_ms_median": round(statistics.median(pages[1:]), 1),
    }


def as_tables(report: dict[str, Any]) -> str:
    lines = [f"{report['device']}, {report['threads']} threads, {report['steps']} steps", ""]
    for name in ("ours", "pipeline"):
        lines.append(f"{name:<14}{'batch':>6}{'ours/s':>10}{'plain/s':>10}{'ratio':>8}")
        lines += [
            f"{r['sampler']:<14}{r['batch']:>6}{r['ours_per_s']:>10}{r['plain_per_s']:>10}{r['ratio']:>8}"
            for r in report[name]
        ]
        lines.append("")
    return "\n".join([*lines, *(f"{name:<26}{value:>10}" for name, value in report.get("jobs", {}).items())])


if __name__ == "__main__":
    main()
