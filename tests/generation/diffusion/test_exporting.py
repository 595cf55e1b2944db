"""A checkpoint as a diffusers pipeline folder: plain diffusers samples the same values from it, and it comes back whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any

import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load
from torch import Tensor

from generation.diffusion import checkpoint
from generation.diffusion.config import ConfigError
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.pipeline_files import DESCRIPTION, imported, pipeline_files
from generation.diffusion.exporting.tensor_file import TensorFileError, tensor_file, tensors_in
from generation.diffusion.sampling import sampler as sampling
from tests.generation.diffusion.test_plain_pipelines import saved, taken_in
from tests.generation.tiny import CLASSES, TRANSFORMER, trained

SEEDS = [3, 5]
LATENT = {"latent": "own", "latent_widths": (8, 8), "latent_channels": 2, "latent_steps": 2, "patch": 1}
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "flow": ({}, ""),
    "flow by heun": ({}, "flow-heun"),
    "flow, shifted": ({"time_shift": 3.0}, ""),
    "flow by heun, shifted by size": ({"time_shift": 0.0}, "flow-heun"),
    "a transformer": ({**TRANSFORMER}, ""),
    "a transformer with classes": ({**TRANSFORMER, "classes": CLASSES}, ""),
    "a transformer with classes and augmentation": (
        {**TRANSFORMER, "classes": CLASSES, "augment": 0.5, "objective": "v_prediction"},
        "ddim",
    ),
    "a transformer in latents": ({**TRANSFORMER, **LATENT}, "flow-heun"),
    "flow with classes": ({"classes": CLASSES}, ""),
    "classes and augmentation": ({"classes": CLASSES, "augment": 0.5}, ""),
    "augmentation alone": ({"augment": 0.5}, ""),
    "epsilon by ddim": ({"objective": "epsilon", "schedule": "linear"}, "ddim"),
    "epsilon by ddpm": ({"objective": "epsilon", "schedule": "linear"}, "ddpm"),
    "v by dpm-solver++": ({"objective": "v_prediction", "zero_terminal_snr": True}, "dpm-solver++"),
    "latents": (LATENT, ""),
}


@pytest.fixture(autouse=True)
def modules_of_this_test_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where diffusers copies a folder's code to."""
    modules = str(tmp_path / "modules")
    monkeypatch.setattr("diffusers.utils.dynamic_modules_utils.HF_MODULES_CACHE", modules)
    monkeypatch.syspath_prepend(modules)
    for name in [name for name in sys.modules if name.startswith("diffusers_modules")]:
        monkeypatch.delitem(sys.modules, name)


def exported(trained_at: Path, folder: Path, *, sampler: str = "") -> Path:
    description, weights = checkpoint.read(trained_at)
    with weights.open("rb") as file:
        for name, pieces in pipeline_files(
            description.as_json(), file, "# A card\n", sampler=sampler
        ).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"".join(pieces))
    return folder


def plain(folder: Path) -> Any:
    """As anybody loads a folder with code of its own, nothing of LungRater named."""
    pipeline: Any = DiffusionPipeline  # diffusers ships no types
    pipe = pipeline.from_pretrained(str(folder), trust_remote_code=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def values_of(trained_at: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Tensor:
    """What LungRater itself samples, before it becomes 8-bit images."""
    description, weights = checkpoint.read(trained_at)
    net = checkpoint.network(description, weights.read_bytes(), torch.device("cpu"))
    monkeypatch.setattr(sampling, "eight_bit_images", lambda values: values)
    values: Any = sampling.sample(net, SEEDS, steps=4, precision="fp32", **options)
    return torch.as_tensor(values)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_diffusers_samples_the_very_same_values(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, sampler = KINDS[kind]
    trained_at = trained(tmp_path / "run", **changes)
    classes = [0, 1] if "classes" in changes else None
    labels = [str(CLASSES[number]) for number in classes] if classes else None
    guidance = 2.0 if classes else 1.0

    pipe = plain(exported(trained_at, tmp_path / "out", sampler=sampler))
    images = pipe(SEEDS, labels, num_inference_steps=4, guidance_scale=guidance, output_type="pt").images

    ours = values_of(trained_at, monkeypatch, classes=classes, guidance=guidance, sampler=sampler)
    assert torch.equal(images, ours)


@pytest.mark.parametrize(
    "kind", ["flow", "classes and augmentation", "latents", "a transformer with classes and augmentation"]
)
def test_an_exported_folder_comes_back_with_its_description_and_every_weight(
    kind: str, tmp_path: Path
) -> None:
    trained_at = trained(tmp_path / "run", **KINDS[kind][0])
    folder = exported(trained_at, tmp_path / "out")

    model = imported(lambda name: (folder / name).open("rb"))

    description, weights = checkpoint.read(trained_at)
    assert model.description == json.loads(json.dumps(description.as_json()))
    before, after = load(weights.read_bytes()), load(b"".join(model.weights))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_folder_has_the_form_of_the_hub(tmp_path: Path) -> None:
    folder = exported(trained(tmp_path / "run"), tmp_path / "out")

    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        *("model_index.json", "README.md", "pipeline.py", DESCRIPTION),
        *("unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"),
    }
    assert json.loads((folder / "model_index.json").read_text())["unet"] == ["diffusers", "UNet2DModel"]


def test_a_sampler_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="flow-euler"):
        exported(trained(tmp_path / "run"), tmp_path / "out", sampler="ddpm")


def test_a_folder_of_another_program_is_refused_with_what_it_lacks() -> None:
    nothing: dict[str, IO[bytes]] = {}

    with pytest.raises(CheckpointError, match="it has no model_index"):
        imported(nothing.__getitem__)


@pytest.mark.parametrize("content", [b"", b"x" * 8, b"\xff" * 16, b"\2\0\0\0\0\0\0\0{}"[:9]])
def test_what_is_no_tensor_file_is_refused(content: bytes) -> None:
    with pytest.raises(TensorFileError):
        tensors_in(content)


def test_a_tensor_beyond_the_end_is_refused() -> None:
    content = tensor_file(tensors_in(tensor_file({})))
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'

    assert tensors_in(content) == {}
    with pytest.raises(TensorFileError, match="beyond"):
        tensors_in(len(header).to_bytes(8, "little") + header)


def test_what_came_from_another_program_goes_out_again_and_samples_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "theirs", beta_schedule="squaredcos_cap_v2")
    description, net = taken_in(tmp_path / "theirs", tmp_path / "weights")
    trained_at = checkpoint.write(tmp_path / "step-00000000", description, net.state_dict())

    pipe = plain(exported(trained_at, tmp_path / "out"))
    images = pipe(SEEDS, num_inference_steps=4, output_type="pt").images

    assert torch.equal(images, values_of(trained_at, monkeypatch))
