"""Jobs on real workers that are killed, whose broker forgets and whose database restarts: nothing lost or twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lungrater.embedded import redis
from lungrater.embedded.home import Home
from tests.generation.images_api import ImagesAPI
from tests.servers.sites import Site, Table, lungrater

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

GOES_ON_WITHIN = 60.0
ENDS_WITHIN = 90.0


QUEUE = """
import json, sys
from generation.models import GenerationJob
from pool.models import Dataset
pks = []
for wish in json.loads({wishes!r}):
    dataset, _ = Dataset.objects.get_or_create(
        name=wish.pop("into"), defaults={{"origin": "synthetic", "modality": "xray"}})
    job = GenerationJob(dataset=dataset, modality="xray", **wish)
    job.submit()
    pks.append(job.pk)
print("JOBS", json.dumps(pks))
"""


def queue(running: Site, *wishes: dict[str, Any]) -> list[int]:
    done = lungrater(running.home, "shell", "-v", "0", "-c", QUEUE.format(wishes=json.dumps(wishes)))
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.split("JOBS")[1]))


def drawings(into: str, *, total: int = 60) -> dict[str, Any]:
    return {
        "engine": "phantom",
        "label": "normal",
        "total": total,
        "seed": total,
        "into": into,
        "settings": {"size": 256},
    }


def assert_whole(running: Site, table: Table, pk: int, total: int) -> None:
    """Each image once, none half: a row for every index, and a file that decodes behind every row."""
    from pool.canonical.pixels import decode_png

    rows_of_job = table.rows(
        "SELECT g.index, i.file FROM generation_generatedimage g JOIN pool_image i ON i.id = g.image_id "
        "WHERE g.job_id = %s ORDER BY g.index",
        pk,
    )
    assert [index for index, _ in rows_of_job] == list(range(total))
    assert len({file for _, file in rows_of_job}) == total
    for _, file in rows_of_job:
        assert decode_png((running.home / "media" / file).read_bytes()).ndim == 2


def test_a_job_survives_its_worker_and_a_broker_that_forgot_everything(running_site: Site) -> None:
    """Both at once, as each alone takes half a minute: the running job's worker dies, the waiting ones' bells go."""
    table = Table(running_site)
    running, waiting, heard_by_none = queue(
        running_site, drawings("A"), drawings("B", total=61), drawings("C", total=5)
    )
    table.wait(running, lambda job: job[1] >= 3, ENDS_WITHIN)

    with redis.client(redis.url(Home(running_site.home))) as broker:
        broker.flushall()
    os.kill(running_site.pid_of("worker-light"), signal.SIGKILL)
    at_death = table.job(running)
    seconds = table.wait(running, lambda job: job[2] > at_death[2] and job[0] == "running", GOES_ON_WITHIN)
    for pk, total in ((running, 60), (waiting, 61), (heard_by_none, 5)):
        table.wait(pk, lambda job: job[0] == "succeeded", ENDS_WITHIN)
        assert_whole(running_site, table, pk, total)

    assert seconds < GOES_ON_WITHIN
    log = [
        text
        for (text,) in table.rows(
            "SELECT text FROM generation_jobevent WHERE job_id = %s ORDER BY id", running
        )
    ]
    assert "The worker went away without a word." in log
    assert any(text.startswith("Started for the second time") for text in log)


def test_a_job_survives_a_database_and_a_broker_that_are_killed_under_it(running_site: Site) -> None:
    table = Table(running_site)
    [pk] = queue(running_site, drawings("D", total=80))
    table.wait(pk, lambda job: job[1] >= 3, ENDS_WITHIN)

    for victim in ("redis", "postgres"):
        killed = running_site.pid_of(victim)
        os.kill(killed, signal.SIGKILL)
        running_site.wait_until_back(victim, killed)
    table.wait(pk, lambda job: job[0] not in {"queued", "running", "unknown"}, ENDS_WITHIN)

    assert table.job(pk)[0] == "succeeded", table.job(pk)
    assert_whole(running_site, table, pk, 80)


def test_a_slot_that_is_stored_is_never_paid_for_again(running_site: Site, api: ImagesAPI) -> None:
    table, before = Table(running_site), len(api.asked)
    api.delay = 0.3
    [pk] = queue(
        running_site,
        {
            "engine": "openai",
            "api_model": "dall-e-2",
            "prompt": "x-ray",
            "total": 12,
            "into": "E",
            "settings": {"size": "256x256"},
            "price": "0.016",
        },
    )
    table.wait(pk, lambda job: job[1] >= 3, ENDS_WITHIN)

    os.kill(running_site.pid_of("worker-light"), signal.SIGKILL)
    table.wait(pk, lambda job: job[0] == "succeeded", ENDS_WITHIN)
    api.delay = 0

    assert_whole(running_site, table, pk, 12)
    [(spent,)] = table.rows("SELECT spent FROM generation_generationjob WHERE id = %s", pk)
    asked = len(api.asked) - before
    # Only what was under way when the worker died, two requests at most, is asked twice. All of it is counted, and so
    # is what was about to be sent: nobody can know whether it was.
    assert 12 <= asked <= 14
    assert asked <= round(float(spent) / 0.016) <= 14


def test_a_damaged_checkpoint_fails_its_job_and_the_next_one_is_made(running_site: Site) -> None:
    table = Table(running_site)
    [(checkpoint, weights)] = table.rows(
        "SELECT id, weights FROM generation_checkpoint WHERE name = 'phantom-lungs'"
    )
    path = running_site.home / "media" / weights
    content = path.read_bytes()
    wish = {"engine": "diffusion", "checkpoint_id": checkpoint, "label": "normal", "total": 1, "into": "F"}
    path.write_bytes(content[: len(content) // 2])

    [damaged] = queue(running_site, {**wish, "settings": {"steps": 1}})
    table.wait(damaged, lambda job: job[0] == "failed", ENDS_WITHIN)
    path.write_bytes(content)
    [mended] = queue(running_site, {**wish, "settings": {"steps": 1}})
    table.wait(mended, lambda job: job[0] == "succeeded", ENDS_WITHIN)

    assert "damaged" in table.job(damaged)[3]


TOO_LARGE = """
from generation.models import Checkpoint
from generation.diffusion.checkpoint import Description
from generation.diffusion.config import TrainingConfig
from generation.diffusion.networks.network import build
from safetensors.torch import save
config = TrainingConfig(size=2**23, patch=4, widths=(8, 16), head_dim=8)
weights = {name: value.contiguous() for name, value in build(config).state_dict().items()}
print("PK", Checkpoint.store("too-large", Description(config, 0, {}).as_json(), save(weights)).pk)
"""


def test_a_worker_out_of_memory_halves_the_batch_says_so_lives_and_makes_the_next_job(
    running_site: Site,
) -> None:
    """An image of 2^46 pixels fits into no machine's address space, so that every allocation truly fails."""
    table = Table(running_site)
    stored = lungrater(running_site.home, "shell", "-v", "0", "-c", TOO_LARGE)
    assert stored.returncode == 0, stored.stderr
    too_large = int(stored.stdout.split("PK")[1])
    [(shipped,)] = table.rows("SELECT id FROM generation_checkpoint WHERE name = 'phantom-lungs'")
    wish = {"engine": "diffusion", "settings": {"steps": 1}}
    worker = running_site.pid_of("worker-1")

    large, fitting = queue(
        running_site,
        {**wish, "checkpoint_id": too_large, "total": 5, "into": "H"},
        {**wish, "checkpoint_id": shipped, "label": "normal", "total": 1, "into": "H"},
    )
    table.wait(large, lambda job: job[0] == "failed", ENDS_WITHIN)
    table.wait(fitting, lambda job: job[0] == "succeeded", ENDS_WITHIN)

    assert "One image at a time still needs more memory" in table.job(large)[3]
    log = [text for (text,) in table.rows("SELECT text FROM generation_jobevent WHERE job_id = %s", large)]
    for before, after in ((4, 2), (2, 1)):
        assert f"Out of memory with {before} images at once; going on with {after}." in log
    assert running_site.pid_of("worker-1") == worker


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_stops_a_job_with_a_sentence_and_room_lets_it_go_on(
    running_site: Site, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(running_site)
    monkeypatch.setenv("STORAGE_URL", str(small_disk))
    words = ("generate", "--engine=phantom", "--count=30", "--size=512", "--dataset=G", "--seed=5")

    full = lungrater(running_site.home, *words)
    rows = table.rows(
        "SELECT i.file FROM pool_image i JOIN pool_dataset d ON d.id = i.dataset_id WHERE d.name = 'G'"
    )
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    roomy = lungrater(running_site.home, *words)

    assert full.returncode == 1
    assert "is free" in full.stderr or "No space left on device" in full.stderr
    assert 0 < len(rows) < 30
    assert all((small_disk / file).stat().st_size for (file,) in rows)
    assert f"{30 - len(rows)} made" in roomy.stdout, roomy.stderr


def test_no_log_of_any_worker_holds_the_key(running_site: Site) -> None:
    for log in Path(running_site.home / "logs").iterdir():
        assert "sk-canary-on-real-workers" not in log.read_text(errors="replace"), log
