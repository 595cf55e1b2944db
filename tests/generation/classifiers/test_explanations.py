"""LIME and Grad-CAM point at what the class is about, and say the same thing twice."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from generation.classifiers.classifier import Classifier, Description
from generation.classifiers.explanations import MapOverlap, grad_cam_map, lime_map, overlap, overlay
from generation.classifiers.fitting import Budget, Labelled, fit
from tests.generation.classifiers.image_samples import MARKER, marked, places_of


@pytest.fixture(scope="module")
def lessons() -> Labelled:
    return marked(60)


@pytest.fixture(scope="module")
def classifier(lessons: Labelled) -> Classifier:
    description = Description("tiny-resnet", ("plain", "marked"), 48)
    return fit(description, lessons, Budget(60, 16, 3e-3, augment=False), seed=0)[0]


@pytest.mark.parametrize("place", [1, 3, 5])
def test_lime_finds_a_planted_marker(classifier: Classifier, lessons: Labelled, place: int) -> None:
    heat = lime_map(classifier, lessons.squares[place], 1, samples=200, seed=0)

    top, left = places_of(60)[place]
    marker = np.zeros_like(heat, dtype=bool)
    marker[top : top + MARKER, left : left + MARKER] = True
    assert marker[np.unravel_index(heat.argmax(), heat.shape)]
    assert heat[marker].mean() > 5 * abs(heat[~marker].mean())


def test_lime_is_the_same_by_seed_and_another_by_another(classifier: Classifier, lessons: Labelled) -> None:
    once, again, other = (
        lime_map(classifier, lessons.squares[1], 1, samples=40, seed=seed) for seed in (1, 1, 2)
    )

    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("architecture", ["tiny-densenet", "tiny-efficientnet", "tiny-resnet"])
def test_grad_cam_maps_every_architecture_and_leaves_no_hook(architecture: str, lessons: Labelled) -> None:
    description = Description(architecture, ("plain", "marked"), 48)
    classifier, _ = fit(description, lessons, Budget(30, 16, 3e-3, augment=False), seed=0)

    heat = grad_cam_map(classifier, lessons.squares[1], 1)

    assert heat.shape == (48, 48)
    assert 0 <= heat.min() <= heat.max() <= 1
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in classifier.network.modules())


def test_overlap_is_1_with_itself_0_with_elsewhere_and_nothing_with_an_even_map() -> None:
    here, there = np.zeros((20, 20)), np.zeros((20, 20))
    here[:10, :8] = np.arange(1, 81).reshape(10, 8)
    there[10:, 12:] = np.arange(1, 81).reshape(10, 8)

    assert astuple(overlap(here, here)) == (1.0, pytest.approx(1.0))
    assert overlap(here, there).iou == 0.0
    assert overlap(here, np.ones((20, 20))) == MapOverlap()


def test_an_overlay_shows_the_image_where_the_map_is_silent() -> None:
    square = np.full((4, 4), 100, dtype=np.uint8)
    heat = np.zeros((4, 4))
    heat[0, 0], heat[3, 3] = 1.0, -1.0

    shown = overlay(square, heat)

    assert shown[1, 1].tolist() == [100, 100, 100]
    assert shown[0, 0, 0] > shown[0, 0, 2]
    assert shown[3, 3, 2] > shown[3, 3, 0]
