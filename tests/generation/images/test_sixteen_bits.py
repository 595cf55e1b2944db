"""CT in sixteen bits: learned of levels under one window, made in as many, windowed again as real slices are."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from django.core.management import CommandError, call_command
from django.test import Client
from pydicom.dataset import Dataset as Header

from accounts.models import User
from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.data.device_dataset import DeviceDataset, normalised_images
from generation.diffusion.sampling.sampler import sixteen_bit_images
from generation.models import Checkpoint, TrainingRun
from generation.phantoms.ct import draw_ct
from generation.phantoms.shapes import Plane
from generation.training.dataset_traits import window_of
from generation.training.forms import TrainingForm
from pool.canonical.pixels import Pixels, as_levels, blinded_derivative, decode_png, deep_square
from pool.canonical.previews import stored_pixels
from pool.canonical.window_words import window_range
from pool.imports.dicom import decode
from pool.imports.dicom.display import render
from pool.imports.dicom.value_file import value_file_of_levels
from pool.imports.notes import Notes
from pool.models import Dataset
from tests.factories import make_dataset, make_image, make_pixels
from tests.pool.files import dicom_file

WINDOW = "-600/1500 (lung)"
LOW, HIGH = -1350.0, 149.0  # by DICOM's LINEAR function
SIZE = 32


def slice_of(seed: int, *, bits: int = 16) -> Pixels:
    unit = draw_ct(Plane.square(SIZE), np.random.default_rng(seed), opacity=False)
    return as_levels(unit * (2**bits - 1), bits=bits)


def ct_dataset(name: str = "CT", *, window: str = WINDOW, count: int = 8) -> Dataset:
    dataset = make_dataset(name, modality="ct")
    for seed in range(count):
        make_image(dataset, pixels=slice_of(seed), provenance={"Window": window} if window else {})
    return dataset


@pytest.mark.parametrize("words", [WINDOW, "40/400 (file)", "0.5/1 (chosen)", "1e+03/2.5e+03 (chosen)"])
def test_a_window_in_words_shows_from_and_to_where_a_dicom_file_is_shown(words: str) -> None:
    shown = window_range(words)
    assert shown is not None
    low, high = shown
    values = np.array([[low - 1, low, (low + high) / 2, high, high + 1]])

    image = render(
        values,
        Header(),
        Notes(),
        padding=np.zeros(values.shape, bool),
        is_hounsfield=True,
        choice=words.split(maxsplit=1)[0],
    )

    np.testing.assert_allclose(image.unit[0], [0, 0, 0.5, 1, 1], atol=1e-9)
    assert window_range("whole range") is window_range("table in the file") is None
    assert window_range(WINDOW) == (LOW, HIGH)


def test_what_a_network_gives_is_its_hounsfield_unit_and_back_within_half_a_level() -> None:
    values = torch.linspace(-1, 1, 4001, dtype=torch.float64).reshape(1, 1, 1, -1)
    units = LOW + (values.numpy().ravel() + 1) / 2 * (HIGH - LOW)

    levels = sixteen_bit_images(values)
    file = pydicom.dcmread(io.BytesIO(value_file_of_levels(levels[0], (LOW, HIGH), "CT")))
    kept = file.pixel_array.ravel() * float(file.RescaleSlope) + float(file.RescaleIntercept)
    shelf = DeviceDataset(levels, torch.device("cpu"))
    back = normalised_images(shelf, np.array([0])).numpy().ravel()

    step = (HIGH - LOW) / 65535
    assert levels.min() == 0
    assert levels.max() == 65535
    assert np.abs(kept - units).max() <= step / 2 * (1 + 1e-6)
    assert np.abs(back - values.numpy().ravel()).max() <= 1 / 65535 + 1e-7


def test_levels_stay_where_they_stand_whatever_else_an_image_shows() -> None:
    dark = (make_pixels(side=16, bits=16) // 7).astype(np.uint16)

    assert np.array_equal(deep_square(dark, side=16), dark)
    assert np.array_equal(
        deep_square(make_pixels(side=16, seed=1), side=16), make_pixels(side=16, seed=1) * np.uint16(257)
    )
    even = np.full((64, 48), 12345, dtype=np.uint16)
    assert (deep_square(even, side=16) == 12345).all()


@pytest.fixture
def trained(tmp_path: Path, settings: Any, db: None) -> TrainingRun:
    settings.MODELS_DIR = tmp_path
    form = TrainingForm(
        {
            "name": "deep",
            "dataset": ct_dataset().pk,
            "preset": "tiny",
            "size": SIZE,
            "steps": 4,
            "batch": 2,
            "settings": "bits = 16\nwidths = [8, 16]\nhead_dim = 8\nsample_steps = 2\nsample_count = 2",
        }
    )
    assert form.is_valid(), form.errors
    run = form.submit(None, enqueue=False)
    run.perform()
    assert run.state == "succeeded", run.error
    return run


def generate(*words: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command(
        "generate", "--model=deep", "--count=2", "--seed=1", "--steps=2", *words, "--json", stdout=out
    )
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_a_model_of_deep_slices_makes_slices_that_are_windowed_as_real_ones(trained: TrainingRun) -> None:
    generate("--dataset=Fakes", "--bits=16")
    generate("--dataset=Shallow")

    for image in Dataset.objects.get(name="Fakes").images.all():
        pixels = stored_pixels(image)
        assert image.bits == 16
        assert image.provenance["Window"] == WINDOW
        assert len(np.unique(pixels)) > 256
        shown = decode_png(blinded_derivative(pixels, side=SIZE, bits=16))
        assert shown.dtype == np.uint16
        assert len(np.unique(shown)) > 256
        shallow = Dataset.objects.get(name="Shallow").images.get(provenance__index=image.provenance["index"])
        assert shallow.bits == 8
        assert np.abs(pixels / 257 - stored_pixels(shallow)).max() <= 0.51

    call_command("rewindow", "Fakes", "--window=lung", "--name=Again")
    call_command("rewindow", "Fakes", "--window=-600/150", "--name=Narrow")
    for image in Dataset.objects.get(name="Fakes").images.all():
        again, narrow = (
            stored_pixels(
                Dataset.objects.get(name=name).images.get(provenance__derived_from=f"image {image.pk}")
            )
            for name in ("Again", "Narrow")
        )
        pixels = stored_pixels(image).astype(int)
        assert np.abs(pixels - again).max() <= 1
        units = LOW + pixels / 65535 * (HIGH - LOW)
        by_hand = np.clip((units - (-600.5 - 149 / 2)) / 149, 0, 1) * 65535
        assert np.abs(by_hand - narrow).max() <= 1


def test_the_page_of_a_deep_run_says_its_bits_and_its_window(
    trained: TrainingRun, client_of: Callable[[User], Client], admin: User
) -> None:
    page = client_of(admin).get(trained.get_absolute_url()).content.decode()

    assert f"{SIZE} × {SIZE}, 16 bits, shown under {WINDOW}" in page


def test_a_deep_models_distances_are_of_levels_on_one_scale(trained: TrainingRun) -> None:
    learned = np.load(trained.folder / "watch" / "training.npy")
    deep = np.stack([stored_pixels(image) for image in trained.images.all()])

    assert learned.dtype == np.uint8
    assert sorted(image.sum() for image in learned) == sorted(np.rint(image / 257).sum() for image in deep)
    assert Checkpoint.objects.get(run=trained).config.window == WINDOW


@pytest.mark.django_db
def test_images_under_several_windows_are_not_learned_in_sixteen_bits() -> None:
    mixed = ct_dataset("Mixed", count=2)
    make_image(mixed, pixels=slice_of(90), provenance={"Window": "40/400 (file)"})

    with pytest.raises(ConfigError, match="all shown under one window"):
        window_of(mixed)
    with pytest.raises(ConfigError, match="all shown under one window"):
        window_of(ct_dataset("Ranges", window="whole range", count=2))
    assert window_of(ct_dataset("Plain", window="", count=2)) == ""


@pytest.mark.django_db
def test_images_of_eight_bits_are_not_learned_in_sixteen() -> None:
    dataset = make_dataset("Shallow", modality="ct")
    make_image(dataset, pixels=slice_of(1, bits=8), provenance={"Window": WINDOW})

    with pytest.raises(ConfigError, match="No training image of Shallow has more than eight bits"):
        window_of(dataset)


@pytest.mark.django_db
def test_one_range_under_two_names_is_one_window() -> None:
    dataset = ct_dataset(count=2)
    make_image(dataset, pixels=slice_of(90), provenance={"Window": "-600/1500 (chosen)"})

    assert window_range(window_of(dataset)) == (LOW, HIGH)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tags", "mark"),
    [
        ({"VOILUTFunction": "LINEAR_EXACT"}, "LINEAR_EXACT"),
        ({"VOILUTFunction": "SIGMOID"}, "SIGMOID"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "inverse"),
        ({"PresentationLUTShape": "INVERSE"}, "inverse"),
        ({"VOILUTFunction": "SIGMOID", "PhotometricInterpretation": "MONOCHROME1"}, "SIGMOID, inverse"),
    ],
)
def test_slices_not_shown_by_the_linear_function_say_so_and_are_not_learned_in_sixteen_bits(
    tags: dict[str, str], mark: str
) -> None:
    values = np.tile(np.linspace(-1600, 400, 64).astype(np.int16), (64, 1))

    words = decode(dicom_file(values, **tags), window="lung").tags["Window"]

    assert words == f"{WINDOW}, {mark}"
    assert window_range(words) is None
    with pytest.raises(ConfigError, match=f"LINEAR function; some of Odd are shown as .*{mark}"):
        window_of(ct_dataset("Odd", window=words, count=2))


@pytest.mark.parametrize(
    "words", ["1.2.3/4", "./5", "1e999/5", "0/1e999", "-600/0", "1e300/5", "-600/1500 (lung), SIGMOID"]
)
def test_words_that_are_no_window_show_nothing_and_no_model_is_of_them(words: str) -> None:
    assert window_range(words) is None
    with pytest.raises(ConfigError, match="window must be CENTRE/WIDTH"):
        TrainingConfig(bits=16, window=words)


def test_sixteen_bits_of_another_model_in_half_precision_or_of_an_edit_are_refused(
    trained: TrainingRun,
) -> None:
    image = trained.images.first()
    assert image is not None

    with pytest.raises(CommandError, match="precision fp32"):
        generate("--dataset=A", "--bits=16", "--precision=bf16")
    with pytest.raises(CommandError, match="eight bits"):
        generate("--dataset=B", "--bits=16", f"--edit-of={image.pk}", "--strength=0.5")
    Checkpoint.objects.get(run=trained).rename("renamed", by=None)
    row = Checkpoint.objects.get(name="renamed")
    row.description["config"] |= {"bits": 8, "window": ""}
    row.save()
    with pytest.raises(CommandError, match="has learned eight bits"):
        generate("--dataset=C", "--bits=16")
