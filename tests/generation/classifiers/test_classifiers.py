"""Classifiers learn, keep their promise of a seed, and come back from their folder as they went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generation.classifiers.classifier import Classifier, ClassifierError, Description, fresh, load
from generation.classifiers.fitting import Budget, FitFailedError, Labelled, fit
from generation.classifiers.networks import CAM_LAYERS, WeightsError, build, load_weights
from pool.canonical.pixels import Pixels
from tests.generation.classifiers.image_samples import QUICK, marked

TINY = sorted(name for name in CAM_LAYERS if name.startswith("tiny-"))


def described(architecture: str = "tiny-resnet", *, colour: bool = False) -> Description:
    return Description(architecture, ("plain", "marked"), 48, colour, {"arm": "real"})


@pytest.mark.parametrize("architecture", TINY)
def test_each_architecture_learns_what_can_be_learned(architecture: str) -> None:
    training, unseen = marked(60), marked(40, seed=1)

    classifier, losses = fit(described(architecture), training, QUICK, seed=0)

    right = classifier.of_squares(unseen.squares).argmax(axis=1) == unseen.numbers
    assert right.mean() > 0.9
    assert len(losses) == QUICK.steps


def test_colour_images_and_augmentation_train_too() -> None:
    lessons = marked(40, colour=True)
    budget = Budget(steps=30, batch=16, learning_rate=3e-3, augment=True)

    classifier, _ = fit(described(colour=True), lessons, budget, seed=0)

    assert (classifier.of_squares(lessons.squares).argmax(axis=1) == lessons.numbers).mean() > 0.9


def test_a_seed_gives_the_same_classifier_and_another_seed_another() -> None:
    lessons = marked(20)
    once, again, other = (fit(described(), lessons, QUICK, seed=seed)[0] for seed in (3, 3, 4))

    assert np.array_equal(once.of_squares(lessons.squares), again.of_squares(lessons.squares))
    assert not np.array_equal(once.of_squares(lessons.squares), other.of_squares(lessons.squares))


def test_a_rare_class_is_drawn_as_often_as_a_common_one() -> None:
    lessons = Labelled(np.zeros((100, 16, 16), dtype=np.uint8), np.array([0] * 97 + [1] * 3))

    rows = lessons.balanced_rows(32, np.random.default_rng(0))

    assert (lessons.numbers[rows] == 1).sum() == 16


def test_a_saved_classifier_answers_as_before_to_images_of_any_size(tmp_path: Path) -> None:
    images: list[Pixels] = [
        np.random.default_rng(0).integers(0, 255, (90, 70), dtype=np.uint8),
        np.random.default_rng(1).integers(0, 2**16, (64, 64), dtype=np.uint16),
    ]
    before = Classifier(described(), fresh(described()))

    before.save(tmp_path / "one")
    after = load(tmp_path / "one")

    probabilities = after.probabilities(images)
    assert after.classes == ("plain", "marked")
    assert probabilities.shape == (2, 2)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(probabilities, before.probabilities(images))


def test_a_folder_without_a_classifier_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architecture": "tiny-resnet"}')

    with pytest.raises(ClassifierError, match="holds no classifier that can be used"):
        load(tmp_path)


def test_local_weights_for_colour_fit_a_grey_network_and_its_own_classes(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    published = build("tiny-resnet", channels=3, classes=1000, size=48)
    save_file(published.state_dict(), tmp_path / "published.safetensors")
    own = build("tiny-resnet", channels=1, classes=2, size=48)

    taken = load_weights(own, tmp_path / "published.safetensors")

    assert taken == len(own.state_dict()) - 2  # all but the last layer
    first = published.state_dict()["conv1.weight"].sum(dim=1, keepdim=True)
    assert own.state_dict()["conv1.weight"].equal(first)


def test_weights_in_torchvisions_names_fit_a_dense_network(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    own = build("tiny-densenet", channels=1, classes=2, size=48)
    theirs = {name.replace("layers.", "", 1): value for name, value in own.state_dict().items()}
    save_file(theirs, tmp_path / "theirs.safetensors")

    assert load_weights(own, tmp_path / "theirs.safetensors") == len(own.state_dict()) - 2


def test_weights_of_another_network_or_no_weights_at_all_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(build("tiny-resnet", channels=1, classes=2, size=48).state_dict(), tmp_path / "r.safetensors")
    (tmp_path / "nothing.pt").write_bytes(b"nothing")
    network = build("tiny-densenet", channels=1, classes=2, size=48)

    with pytest.raises(WeightsError, match="of another network"):
        load_weights(network, tmp_path / "r.safetensors")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(network, tmp_path / "nothing.pt")


def test_a_loss_that_is_no_number_stops_with_advice() -> None:
    with pytest.raises(FitFailedError, match="lower learning rate"):
        fit(described(), marked(20), Budget(20, 8, 1e30, augment=False), seed=0)
