"""Another program's unconditional pipeline as a model: it makes the very values that plain diffusers makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.diffusion import checkpoint
from generation.diffusion.checkpoint import Description
from generation.diffusion.config import ConfigError
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.pipeline_files import imported
from generation.diffusion.networks.network import Denoiser
from generation.diffusion.objectives import make_sampler, objective_of
from generation.diffusion.sampling import sampler as sampling
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import bright_squares

SEEDS = [3, 5]
CPU = torch.device("cpu")
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def saved(folder: Path, *, ddim: bool = False, **noise: Any) -> Any:
    """A pipeline that anybody may have trained with diffusers, of odd settings and random weights."""
    kinds: Any = (
        UNet2DModel,
        DDIMScheduler if ddim else DDPMScheduler,
        DDIMPipeline if ddim else DDPMPipeline,
    )
    unet, scheduler, pipeline = kinds
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = unet(
            sample_size=16,
            in_channels=1,
            out_channels=1,
            layers_per_block=1,
            block_out_channels=(12, 20),
            down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=4,
            norm_num_groups=4,
            act_fn="gelu",
        )
    pipeline(net, scheduler(**noise)).save_pretrained(folder)
    pipe = pipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def taken_in(folder: Path, into: Path) -> tuple[Description, Denoiser]:
    def open_file(name: str) -> Any:
        try:
            return (folder / name).open("rb")
        except OSError as error:
            raise KeyError(name) from error

    model = imported(open_file)
    into.write_bytes(b"".join(model.weights))
    description = Description.from_json(json.loads(json.dumps(model.description)))
    return description, checkpoint.network(description, into.read_bytes(), CPU)


def values_of(net: Denoiser, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Tensor:
    monkeypatch.setattr(sampling, "eight_bit_images", lambda values: values)
    values: Any = sampling.sample(net, SEEDS, steps=4, precision="fp32", **options)
    return torch.as_tensor(values)


@pytest.mark.parametrize(
    ("ddim", "noise"),
    [
        (False, {}),
        (False, {"beta_schedule": "squaredcos_cap_v2", "variance_type": "fixed_large", "clip_sample": False}),
        (False, {"prediction_type": "v_prediction", "beta_start": 0.001, "beta_end": 0.05}),
        (
            True,
            {
                "prediction_type": "v_prediction",
                "rescale_betas_zero_snr": True,
                "timestep_spacing": "trailing",
            },
        ),
        (True, {"beta_schedule": "scaled_linear", "num_train_timesteps": 100, "set_alpha_to_one": False}),
    ],
)
def test_it_samples_bit_for_bit_what_plain_diffusers_samples(
    ddim: bool, noise: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = saved(tmp_path / "theirs", ddim=ddim, **noise)
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    theirs = pipe(batch_size=2, generator=generators, num_inference_steps=4, output_type="np").images

    _, net = taken_in(tmp_path / "theirs", tmp_path / "weights")
    ours = values_of(net, monkeypatch)

    assert torch.equal((ours / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), torch.from_numpy(theirs))


def test_attention_named_as_it_was_years_ago_is_taken_in(tmp_path: Path) -> None:
    saved(tmp_path / "theirs")
    file = tmp_path / "theirs/unet/diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    earlier = dict(weights)
    for new, old in OLD_NAMES.items():
        for name in [name for name in earlier if f".{new}." in name]:
            earlier[name.replace(f".{new}.", f".{old}.")] = earlier.pop(name)
    save_file(earlier, file)

    _, net = taken_in(tmp_path / "theirs", tmp_path / "weights")

    assert earlier.keys() != weights.keys()
    assert all(torch.equal(net.unet.state_dict()[name], value) for name, value in weights.items())


def test_its_training_goes_on_with_its_own_noise(tmp_path: Path) -> None:
    saved(tmp_path / "theirs", beta_start=0.001, beta_end=0.05, num_train_timesteps=100)
    description, net = taken_in(tmp_path / "theirs", tmp_path / "weights")
    folder = checkpoint.write(tmp_path / "parent", description, net.state_dict())

    trainer = Trainer(description.config, bright_squares(description.config))
    trainer.start_from(folder)

    alphas: Any = torch.cumprod(1 - torch.linspace(0.001, 0.05, 100), dim=0)
    torch.testing.assert_close(objective_of(description.config, CPU).signal, alphas.sqrt())
    assert torch.equal(trainer.net.unet.conv_in.weight, net.unet.conv_in.weight)
    assert bool(trainer.train_step().isfinite())


def test_another_sampler_than_its_own_starts_from_pure_noise_and_ours_do_not_fit(tmp_path: Path) -> None:
    saved(tmp_path / "theirs")
    config = taken_in(tmp_path / "theirs", tmp_path / "weights")[0].config

    other = make_sampler(config, "ddim")
    other.set_timesteps(10)

    assert config.samplers == ("ddpm", "ddim")
    assert int(other.timesteps[0]) == 999
    with pytest.raises(ConfigError, match="does not fit"):
        make_sampler(config, "dpm-solver++")


def changed(folder: Path, file: str, **values: object) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("file", "values", "sentence"),
    [
        ("model_index.json", {"_class_name": ["pipeline", "Theirs"]}, "code of its own"),
        ("model_index.json", {"_class_name": "DiTPipeline"}, "It is a DiTPipeline"),
        ("model_index.json", {"unet": ["theirs", "UNet2DModel"]}, "no UNet2DModel of diffusers"),
        ("unet/config.json", {"_class_name": "UNet1DModel"}, "a UNet1DModel"),
        ("unet/config.json", {"num_class_embeds": 10}, "only unconditional"),
        ("unet/config.json", {"out_channels": 2}, "one or three channels"),
        ("unet/config.json", {"sample_size": [16, 32]}, "no square image"),
        ("scheduler/scheduler_config.json", {"_class_name": "PNDMScheduler"}, "scheduler is PNDMScheduler"),
        ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "objective must be"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_with_a_sentence(
    file: str, values: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    saved(tmp_path / "theirs")
    changed(tmp_path / "theirs", file, **values)

    with pytest.raises(CheckpointError, match=sentence):
        taken_in(tmp_path / "theirs", tmp_path / "weights")


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("unet/diffusion_pytorch_model.safetensors", "such as .bin, can run code"),
        ("unet/config.json", "neither a model that LungRater exported nor"),
    ],
)
def test_what_a_folder_lacks_is_named(missing: str, sentence: str, tmp_path: Path) -> None:
    saved(tmp_path / "theirs")
    shutil.move(tmp_path / "theirs" / missing, tmp_path / "gone")

    with pytest.raises(CheckpointError, match=sentence):
        taken_in(tmp_path / "theirs", tmp_path / "weights")
