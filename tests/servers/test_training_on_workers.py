"""A training run on a real worker that is killed: it goes on by itself, from its last checkpoint."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.prepared_tables import home_with_tables
from tests.servers.sites import Site, Table, lungrater, site

pytestmark = [pytest.mark.e2e, pytest.mark.recovery]

GOES_ON_WITHIN = 60.0
STARTS_WITHIN, STOPS_WITHIN = 120.0, 90.0

QUEUE = """
import numpy as np
from generation.models import TrainingRun
from generation.diffusion.config import TrainingConfig
from pool.imports.store import add_image
from pool.models import Dataset
dataset = Dataset.objects.create(name="To learn from", origin="real", modality="xray")
for number in range(6):
    add_image(dataset, np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8))
config = TrainingConfig(
    size=16, widths=(8, 16), head_dim=8, batch=4, steps=10**8, checkpoint_every=100, checkpoint_minutes=0.01,
    keep_checkpoints=1, sample_count=1, sample_steps=1)
run = TrainingRun(name="killed", dataset=dataset, config=config.as_json(), total=config.steps)
run.submit()
print("RUN", run.pk)
"""


def test_a_site_that_is_stopped_saves_the_very_step_of_its_run_and_queues_it_again(tmp_path: Path) -> None:
    home = home_with_tables(tmp_path)
    with site(home) as running:
        table = Table(running, "generation_trainingrun")
        never = QUEUE.replace(
            "checkpoint_every=100, checkpoint_minutes=0.01", "checkpoint_every=10**8, checkpoint_minutes=0.0"
        )
        queued = lungrater(home, "shell", "-v", "0", "-c", never)
        assert queued.returncode == 0, queued.stderr
        pk = int(queued.stdout.split("RUN")[1])
        table.wait(pk, lambda run: run[1] > 10, STARTS_WITHIN)
        before = table.job(pk)
        running.stop(signal.SIGTERM)

    [left] = (home / "models" / f"run-{pk}").glob("resume-*")
    assert int(left.name.rpartition("-")[2]) >= before[1]
    with site(home) as again:
        table = Table(again, "generation_trainingrun")
        table.wait(pk, lambda run: run[0] == "running" and run[1] > before[1], STARTS_WITHIN)
        assert table.job(pk)[2] == before[2] + 1


def test_a_run_whose_worker_is_killed_goes_on_by_itself_within_a_minute(running_site: Site) -> None:
    table = Table(running_site, "generation_trainingrun")
    queued = lungrater(running_site.home, "shell", "-v", "0", "-c", QUEUE)
    assert queued.returncode == 0, queued.stderr
    pk = int(queued.stdout.split("RUN")[1])
    table.wait(pk, lambda run: run[1] > 100, STARTS_WITHIN)

    os.kill(running_site.pid_of("worker-training-1"), signal.SIGKILL)
    at_death = table.job(pk)
    table.wait(pk, lambda run: run[0] == "running" and run[2] > at_death[2], GOES_ON_WITHIN)
    table.wait(pk, lambda run: run[1] > at_death[1], STARTS_WITHIN)
    table.rows("UPDATE generation_trainingrun SET cancel_requested = true WHERE id = %s", pk)
    table.wait(pk, lambda run: run[0] == "cancelled", STOPS_WITHIN)

    left = [path.name for path in (running_site.home / "models" / f"run-{pk}").glob("*-*")]
    assert max(int(name.rpartition("-")[2]) for name in left) >= at_death[1]
