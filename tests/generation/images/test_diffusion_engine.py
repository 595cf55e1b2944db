"""Sampling a checkpoint: image k of a job is the same however it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.diffusion.checkpoint_source import CheckpointSource
from generation.diffusion.config import SAMPLERS
from generation.diffusion.errors import CheckpointError
from generation.diffusion.networks import compiling
from generation.diffusion.sampling import sampler as sampling
from generation.images.engines import diffusion
from generation.images.engines.diffusion import DiffusionEngine
from generation.images.engines.protocol import EngineError, EngineImage, GenerationRequest
from generation.phantoms import draw
from generation.training import bundled_checkpoints
from tests.generation.tiny import CLASSES, trained

SHIPPED = bundled_checkpoints.FOLDER / "phantom-lungs"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("run"), classes=CLASSES)


@pytest.fixture(autouse=True)
def cold() -> Iterator[None]:
    yield
    diffusion.network_cache.clear()


def make(
    path: Path, indices: list[int], *, batch: int | None = None, **request: Any
) -> dict[int, EngineImage]:
    wanted = GenerationRequest(
        **{"modality": "xray", "label": "normal", "seed": 5, "settings": {"steps": 3}, **request}
    )
    engine = DiffusionEngine(CheckpointSource.from_path(path), batch=batch)
    return {p.index: p for p in engine.generate(wanted, indices) if isinstance(p, EngineImage)}


def test_image_k_is_the_same_in_any_batch_and_after_any_restart(checkpoint: Path) -> None:
    together = make(checkpoint, [0, 1, 2, 3, 4], batch=5)
    by_twos = make(checkpoint, [0, 1, 2, 3, 4], batch=2)
    after_a_restart = make(checkpoint, [3, 1], batch=1)

    for images in (by_twos, after_a_restart):
        for index, image in images.items():
            assert image.seed == together[index].seed
            # Arithmetic in another order may tip a pixel's rounding, never more.
            difference = np.abs(image.pixels.astype(int) - together[index].pixels.astype(int))
            assert difference.max() <= 1


def test_another_index_seed_or_finding_gives_another_image(checkpoint: Path) -> None:
    images = make(checkpoint, [0, 1])
    other_seed = make(checkpoint, [0], seed=6)
    ill = make(checkpoint, [0], label="opacity")

    assert not np.array_equal(images[0].pixels, images[1].pixels)
    assert not np.array_equal(images[0].pixels, other_seed[0].pixels)
    assert not np.array_equal(images[0].pixels, ill[0].pixels)


@pytest.mark.parametrize("objective", SAMPLERS)
def test_every_sampler_of_every_objective_makes_images(objective: str, tmp_path: Path) -> None:
    path = trained(tmp_path, objective=objective, steps=3)

    for sampler in SAMPLERS[objective]:
        alone = make(path, [1], label="", settings={"steps": 3, "sampler": sampler})
        images = make(path, [0, 1], label="", settings={"steps": 3, "sampler": sampler})
        assert images[0].pixels.shape == (16, 16)
        assert images[0].provenance["sampler"] == sampler
        assert np.abs(alone[1].pixels.astype(int) - images[1].pixels.astype(int)).max() <= 1


def test_guidance_changes_the_image(checkpoint: Path) -> None:
    plain, guided = (make(checkpoint, [0], settings={"steps": 3, "guidance": g})[0] for g in (1.0, 3.0))

    assert not np.array_equal(plain.pixels, guided.pixels)


def test_the_batch_is_halved_until_it_fits_in_memory(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    sample = sampling.sample

    def small_memory(net: Any, seeds: list[int], **rest: Any) -> Any:
        sizes.append(len(seeds))
        if len(seeds) > 2:
            raise MemoryError
        return sample(net, seeds, **rest)

    monkeypatch.setattr(sampling, "sample", small_memory)
    images = make(checkpoint, list(range(8)), batch=8)

    assert sorted(images) == list(range(8))
    assert sizes == [8, 4, 2, 2, 2, 2]


def test_an_image_that_never_fits_is_said_in_a_sentence(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(sampling, "sample", no_memory)

    with pytest.raises(EngineError, match="more memory"):
        make(checkpoint, [0, 1], batch=2)


def test_a_compiled_network_makes_the_same_images_in_full_batches_and_stays_compiled(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "BACKEND", "eager")  # needs no compiler
    notes: list[str] = []
    plain = make(checkpoint, [0, 1, 2], batch=2)

    for _job in range(2):
        compiled = make(
            checkpoint, [0, 1, 2], batch=2, settings={"steps": 3, "compile": "on"}, note=notes.append
        )
        assert sorted(compiled) == [0, 1, 2]
        for index, image in compiled.items():
            assert np.abs(image.pixels.astype(int) - plain[index].pixels.astype(int)).max() <= 1
    assert [note.split(" in ")[0] for note in notes] == ["Compiled the network"]


def test_where_compiling_fails_the_job_says_so_and_goes_on(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no compiler found")

    monkeypatch.setattr(compiling, "BACKEND", broken)
    notes: list[str] = []

    images = make(checkpoint, [0, 1], settings={"steps": 2, "compile": "on"}, note=notes.append)

    assert sorted(images) == [0, 1]
    assert len(notes) == 1
    assert "no compiler found" in notes[0]
    assert "going on without" in notes[0]


def test_half_precision_makes_nearly_the_same_image(checkpoint: Path) -> None:
    full = make(checkpoint, [0])[0]
    half = make(checkpoint, [0], settings={"steps": 3, "precision": "bf16"})[0]

    assert half.provenance["precision"] == "bfloat16"
    assert np.corrcoef(full.pixels.ravel(), half.pixels.ravel())[0, 1] > 0.99


def test_a_network_stays_warm_between_jobs(checkpoint: Path) -> None:
    source = CheckpointSource.from_path(checkpoint)

    assert diffusion.network_of(source) is diffusion.network_of(CheckpointSource.from_path(checkpoint))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"label": "mass"}, "no class xray/mass"),
        ({"settings": {"sampler": "ddpm"}}, "does not fit"),
        ({"settings": {"steps": 0}}, "steps"),
    ],
)
def test_what_the_model_cannot_do_is_said_in_a_sentence(
    checkpoint: Path, request_: dict[str, Any], words: str
) -> None:
    with pytest.raises(EngineError, match=words):
        make(checkpoint, [0], **request_)


def test_a_damaged_checkpoint_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    cut_short = tmp_path / "cut"
    cut_short.mkdir()
    (cut_short / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    (cut_short / "model.safetensors").write_bytes((checkpoint / "model.safetensors").read_bytes()[:-50])
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"")
    foreign.with_suffix(".json").write_text(json.dumps({"format": "something else"}))

    with pytest.raises(EngineError, match="damaged"):
        make(cut_short, [0])
    with pytest.raises(CheckpointError, match="not a LungRater checkpoint"):
        make(foreign, [0])
    with pytest.raises(CheckpointError, match="no readable config"):
        make(tmp_path / "nothing", [0])


@pytest.mark.parametrize("modality", ["xray", "ct"])
def test_the_shipped_model_makes_chests_and_not_noise(modality: str) -> None:
    fakes = make(SHIPPED, [0, 1, 2], modality=modality, settings={"steps": 12})
    size = fakes[0].pixels.shape[0]
    typical = np.mean([draw(modality, seed=seed, size=size) for seed in range(6)], axis=0)

    for fake in fakes.values():
        likeness = np.corrcoef(typical.ravel(), fake.pixels.ravel())[0, 1]
        assert likeness > 0.8
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 5_000_000
