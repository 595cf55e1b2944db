"""Drawn chests: the same seed draws the same, and what is drawn has a chest's parts."""

from __future__ import annotations

import numpy as np
import pytest

from generation.diffusion.sampling.seeds import seed_of
from generation.images.engines.phantom import PhantomEngine
from generation.images.engines.protocol import EngineError, EngineImage, GenerationRequest
from generation.phantoms import draw


@pytest.mark.parametrize("modality", ["xray", "ct"])
def test_a_seed_always_draws_the_same_image_and_another_seed_another(modality: str) -> None:
    first, same, other = (draw(modality, seed=seed, size=64) for seed in (1, 1, 2))

    assert first.shape == (64, 64)
    assert first.dtype == np.uint8
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_an_xray_has_dark_lungs_beside_a_bright_spine() -> None:
    chests = np.mean([draw("xray", seed=seed, size=100) for seed in range(6)], axis=0)

    lungs = np.mean([chests[35:55, 22:35], chests[35:55, 65:78]])
    spine = chests[35:75, 48:52].mean()

    assert lungs < 110
    assert spine > lungs + 60


def test_a_ct_slice_has_a_body_in_dark_air_with_darker_lungs_than_wall() -> None:
    slices = np.mean([draw("ct", seed=seed, size=100) for seed in range(6)], axis=0)

    assert slices[:8, :8].mean() < 80
    assert slices[45:55, 20:35].mean() < 130
    assert slices[68:74, 46:54].mean() > 200


@pytest.mark.parametrize("modality", ["xray", "ct"])
def test_an_opacity_brightens_the_lungs(modality: str) -> None:
    normal = np.mean([draw(modality, seed=s, label="normal", size=64) for s in range(4)], axis=0)
    ill = np.mean([draw(modality, seed=s, label="opacity", size=64) for s in range(4)], axis=0)

    assert ill[20:44, 10:54].mean() > normal[20:44, 10:54].mean() + 1


def test_the_engine_answers_every_index_with_the_seed_of_that_index() -> None:
    request = GenerationRequest(modality="xray", label="opacity", seed=7, settings={"size": 64})

    images = list(PhantomEngine().generate(request, [3, 0]))

    assert [p.index for p in images] == [3, 0]
    assert [p.seed for p in images] == [seed_of(7, 3), seed_of(7, 0)]
    assert all(isinstance(p, EngineImage) and p.provenance["engine"] == "phantom" for p in images)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (GenerationRequest(modality="mri"), "not for mri"),
        (GenerationRequest(modality="ct", label="mass"), "not mass"),
        (GenerationRequest(modality="ct", settings={"size": 9000}), "size"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(request_: GenerationRequest, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        list(PhantomEngine().generate(request_, [0]))
