"""A run under watch: its checkpoints are measured, what is planted is found, and learning shows in the numbers."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generation.diffusion import checkpoint
from generation.diffusion.config import TrainingConfig
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.errors import TrainingStoppedError
from generation.diffusion.launch import train_apart
from generation.diffusion.progress import Progress
from generation.diffusion.run import TrainingImages, train
from generation.diffusion.trainer import Trainer
from generation.metrics.checkpoint_evaluator import GRID, NEIGHBOURS, Watch
from generation.metrics.checkpoint_metrics import Distances
from generation.metrics.distances import fid
from generation.metrics.extractors import extractor
from generation.metrics.fidelity_by_step import points, suggestion
from pool.canonical.pixels import fitted_square
from tests.generation.metrics.image_samples import GridExtractor
from tests.generation.tiny import CLASSES, bright_squares, tiny_config

Squares = NDArray[np.uint8]


def watch_of(folder: Path, training: Squares, held_out: Squares, *, count: int = 16) -> Watch:
    names = [f"image {place}" for place in range(len(training))]
    return Watch.of(folder, training, held_out, names=names, count=count)


def test_each_class_has_the_distance_of_its_own_images_alone(tmp_path: Path) -> None:
    """Drawn in turn of three classes; the third has one held-out image, too few for a distance."""
    dice = np.random.default_rng(0)
    images, held_out = (dice.integers(0, 256, (count, 16, 16), dtype=np.uint8) for count in (18, 11))
    numbers = np.array([0, 1] * 5 + [2])
    names = ["xray/normal", "xray/opacity", "xray/rare"]
    watch = Watch.of(
        tmp_path, images, held_out, held_out_classes=numbers, class_names=names, names=[], count=18
    )

    metrics, _sheets = watch.measure(images)

    features = extractor("").features
    expected = {
        name: fid(features(held_out[numbers == number]), features(images[number::3])).value
        for number, name in enumerate(names[:2])
    }
    assert {name: own["fid"] for name, own in metrics["by_class"].items()} == pytest.approx(
        expected, rel=1e-4
    )
    assert metrics["by_class"]["xray/normal"]["n_real"] == 5
    assert metrics["by_class"]["xray/normal"]["n_fake"] == 6


def test_further_extractors_give_distances_of_their_own_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = np.random.default_rng(0)
    training, held_out, images = (
        dice.integers(0, 256, (count, 16, 16), dtype=np.uint8) for count in (9, 11, 12)
    )
    monkeypatch.setattr(
        "generation.metrics.checkpoint_evaluator.extractor",
        lambda spec: GridExtractor() if spec else extractor(),
    )
    watch = Watch.of(tmp_path, training, held_out, count=12, further=["grid"])

    metrics, _sheets = watch.measure(images)

    [own], grid = metrics["further"], GridExtractor().features
    assert own["extractor"]["name"] == "grid"
    assert own["fid"] == pytest.approx(fid(grid(held_out), grid(images)).value, rel=1e-4)
    assert own["floor"]["fid"] == pytest.approx(fid(grid(held_out), grid(training)).value, rel=1e-4)
    features = extractor().features
    assert metrics["fid"] == pytest.approx(fid(features(held_out), features(images)).value, rel=1e-4)


@pytest.mark.e2e
def test_two_processes_draw_and_measure_what_one_does(tmp_path: Path) -> None:
    """An odd number of images, so that the shares differ."""
    config = tiny_config(classes=CLASSES, steps=3)
    images = bright_squares(config, count=40)
    numbers = np.arange(40) % 2
    training = TrainingImages(images.pixels[:20], numbers[:20])
    watches = [
        Watch.of(
            *(tmp_path / name, images.pixels[:20], images.pixels[20:39]),
            names=[str(place) for place in range(20)],
            held_out_classes=numbers[20:39],
            class_names=["normal", "opacity"],
            count=17,
        )
        for name in "ab"
    ]

    one = train(config, training, tmp_path / "one", on_checkpoint=watches[0])
    two = train_apart(config, training, tmp_path / "two", on_checkpoint=watches[1], processes=2)

    alone, together = (checkpoint.facts_of(folder)["metrics"] for folder in (one, two))
    assert together["n_fake"] == together["memorisation"]["of"] == 17
    assert together.keys() == alone.keys()
    for name in ("fid", "kid", "validation_loss"):
        assert together[name] == pytest.approx(alone[name], rel=1e-4)
    assert together["floor"]["fid"] == pytest.approx(alone["floor"]["fid"], rel=1e-4)
    assert (two / GRID).exists()


@pytest.mark.parametrize(("rank", "places"), [(0, [0, 3, 6]), (1, [1, 4]), (2, [2, 5])])
def test_each_process_draws_its_share_alone(rank: int, places: list[int], tmp_path: Path) -> None:
    class Third(DistributedGroup):
        size = 3

    class Drawer:
        group, drawn_at_once = Third(), 2
        places: ClassVar[list[int]] = []

        def tell(self, _sentence: str) -> None: ...

        def images(self, places: Sequence[int], *, seed: int) -> Squares:
            self.places.extend(places)
            return np.zeros((len(places), 4, 4), dtype=np.uint8)

    drawer: Any = Drawer()
    drawer.group.rank = rank
    Drawer.places.clear()

    images = Watch(tmp_path, count=7).samples(drawer)

    assert Drawer.places == places
    assert len(images) == len(places)


def test_every_checkpoint_carries_its_distances_and_sheets(tmp_path: Path) -> None:
    config = tiny_config()
    images = bright_squares(config, count=40)
    watch = watch_of(tmp_path / "watch", images.pixels[:20], images.pixels[20:])

    last = train(config, TrainingImages(images.pixels[:20]), tmp_path / "run", on_checkpoint=watch)

    metrics = checkpoint.read(last)[0].facts["metrics"]
    assert metrics["fid"] > metrics["floor"]["fid"]
    assert metrics["n_real"] == 20
    assert metrics["n_fake"] == 16
    assert metrics["extractor"]["name"] == "phantom-64"
    assert metrics["memorisation"]["of"] == 16
    assert all((last / sheet).read_bytes().startswith(b"\x89PNG") for sheet in (GRID, NEIGHBOURS))


def test_a_run_stopped_while_it_measures_had_said_so_and_measures_when_it_goes_on(tmp_path: Path) -> None:
    config = tiny_config()
    pixels = bright_squares(config, count=40).pixels
    watch = watch_of(tmp_path / "watch", pixels[:20], pixels[20:], count=40)
    images, run = TrainingImages(pixels[:20]), tmp_path / "run"
    sentences: list[str] = []

    def stop_once_it_measures(progress: Progress) -> None:
        sentences.append(progress.preparing)
        if progress.preparing.startswith("Measuring"):
            raise TrainingStoppedError

    with pytest.raises(TrainingStoppedError):
        train(config, images, run, on_checkpoint=watch, on_progress=stop_once_it_measures)
    left = [folder.name for folder in run.glob("*-*")]
    train(config, images, run, on_checkpoint=watch)

    assert [sentence for sentence in sentences if sentence] == [
        "Drawing images to measure: 0 of 40",
        "Drawing images to measure: 32 of 40",
        "Measuring the images",
    ]
    assert sorted(left) == ["resume-00000000", "step-00000003"]
    assert "fid" in checkpoint.facts_of(run / "step-00000003")["metrics"]


def test_a_watch_travels_to_another_process_and_measures_the_same_there(tmp_path: Path) -> None:
    images = bright_squares(tiny_config(), count=40).pixels
    watch = watch_of(tmp_path, images[:20], images[20:30])

    here = watch.measure(images[30:])[0]
    there = pickle.loads(pickle.dumps(watch)).measure(images[30:])[0]

    assert json.loads(json.dumps(there)) == json.loads(json.dumps(here))


def test_a_model_that_gives_back_a_patient_is_caught_with_the_patients_name(
    tmp_path: Path, shared_data: Path
) -> None:
    xrays = real_xrays(shared_data, side=64, most=160)
    watch = watch_of(tmp_path, xrays[:100], xrays[100:130])

    metrics, _ = watch.measure(np.concatenate([xrays[130:150], xrays[[42]]]))

    assert metrics["memorisation"]["copies"] == 1
    first = metrics["memorisation"]["nearest"][0]
    assert (first["image"], first["training_by_pixels"]) == (20, "image 42")


def test_without_held_out_images_copies_are_looked_for_all_the_same(tmp_path: Path) -> None:
    images = bright_squares(tiny_config(), count=30).pixels
    watch = watch_of(tmp_path, images, images[:0])

    metrics, _ = watch.measure(images[3:5])

    assert "fid" not in metrics
    assert metrics["memorisation"]["copies"] == 2


def test_a_model_that_learned_from_real_xrays_comes_nearer_to_unseen_ones_than_noise_or_an_untrained_net(
    tmp_path: Path, shared_data: Path
) -> None:
    xrays = real_xrays(shared_data, side=32)
    unseen, training = xrays[:104], xrays[104:]
    watch = watch_of(tmp_path / "watch", training, unseen, count=48)
    config = TrainingConfig(
        size=32, patch=2, widths=(24, 48), head_dim=8, steps=130, batch=16, warmup=10, learning_rate=3e-3,
        ema_decay=0.95, checkpoint_every=130, sample_count=1, sample_steps=10,
    )  # fmt: skip
    noise = np.random.default_rng(0).integers(0, 256, (48, 32, 32), dtype=np.uint8)
    untrained = watch.samples(Trainer(config, TrainingImages(training)))

    last = train(config, TrainingImages(training), tmp_path / "run", on_checkpoint=watch)

    learned = checkpoint.read(last)[0].facts["metrics"]
    for others in (noise, untrained):
        measured = watch.measure(others)[0]
        assert learned["fid"] < 0.6 * measured["fid"]
        assert learned["kid"] < 0.6 * measured["kid"]


def real_xrays(data: Path, *, side: int, most: int = 413) -> Squares:
    """X-rays of one source, each of another patient, in a fixed random order."""
    with (data / "xray" / "manifest.csv").open() as file:
        rows = [row["file"] for row in csv.DictReader(file) if row["source_repo"].startswith("muhammedtalo")]
    order = np.random.default_rng(0).permutation(len(rows))[:most]
    images = (np.asarray(Image.open(data / "xray" / rows[place]).convert("L")) for place in order)
    return np.stack([fitted_square(image, side=side) for image in images])


def measured(*distances: float) -> list[tuple[int, Distances]]:
    return [(100 * place, Distances(fid=d, kid=d / 100)) for place, d in enumerate(distances, start=1)]


def test_stopping_is_suggested_once_neither_distance_has_fallen_for_three_checkpoints() -> None:
    assert suggestion(points(measured(9, 5, 3, 4, 4))) == ""

    sentence = suggestion(points(measured(9, 5, 3, 4, 4, 5)))

    assert "last 3 checkpoints" in sentence
    assert "step 300" in sentence


def test_two_distances_that_disagree_are_both_named() -> None:
    (first, distances), *others = measured(9, 5, 6, 7, 8, 9)

    sentence = suggestion(points([(first, replace(distances, kid=0.0)), *others]))

    assert "step 200 (lowest FD) or step 100 (lowest KD)" in sentence
