"""Published networks give here what their own libraries give, image preparation and all; facts by bench/extractor_facts.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import ExtractorError
from generation.metrics.published.inception import FidInception
from generation.metrics.published.networks import INCEPTION_LAYERS
from generation.metrics.published.preparing import prepared
from generation.metrics.published.recipe import LIBRARIES
from pool.confinement.wall import has_wall
from tests.generation.metrics.formula_weights import square, weight

FACTS = json.loads((Path(__file__).parents[2] / "data" / "extractors.json").read_text())
SIDES = (100, 331)
needs_wall = pytest.mark.skipif(not has_wall(), reason="a pickle is read behind the wall alone")


def by_formula(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(weight(name, shape)) for name, shape in shapes.items()}


def shapes_of(network: Any) -> dict[str, tuple[int, ...]]:
    state = network.state_dict().items()
    return {name: tuple(value.shape) for name, value in state if not name.endswith("num_batches_tracked")}


def declared(folder: Path, library: str, file: str, more: str = "") -> str:
    recipe = folder / f"{library}.toml"
    recipe.write_text(f'name = "{library} here"\nlibrary = "{library}"\nfile = "{file}"\n{more}')
    return str(recipe)


def holds(spec: str, fact: str) -> None:
    """Every row of the library, to the last digit that float32 carries through so many layers."""
    for side in SIDES:
        expected = FACTS[fact][str(side)]
        row = extractor(spec).features([square(side)])[0]
        assert len(row) == expected["dimensions"]
        assert np.linalg.norm(row) == pytest.approx(expected["length"], rel=1e-5)
        assert row[: len(expected["first"])] == pytest.approx(expected["first"], rel=1e-5, abs=1e-5)


@needs_wall
def test_inception_gives_what_pytorch_fid_and_torch_fidelity_give_each_by_its_own_resizing(
    tmp_path: Path,
) -> None:
    torch.save(by_formula(shapes_of(FidInception())), tmp_path / "pt_inception.pth")

    holds(declared(tmp_path, "pytorch-fid", "pt_inception.pth"), "pytorch-fid")
    holds(declared(tmp_path, "torch-fidelity", "pt_inception.pth"), "torch-fidelity")


def dense_names(channels: int, prefix: str) -> dict[str, tuple[int, ...]]:
    """torchvision's names of a DenseNet-121's features."""
    from monai.networks.nets.densenet import DenseNet121

    shapes = shapes_of(DenseNet121(spatial_dims=2, in_channels=channels, out_channels=1))
    return {
        re.sub(r"^features\.", prefix, name).replace(".layers.", "."): shape
        for name, shape in shapes.items()
        if name.startswith("features.")
    }


def test_torchxrayvision_gives_what_its_features2_give(tmp_path: Path) -> None:
    save_file(by_formula(dense_names(1, "features.")), tmp_path / "all.safetensors")

    holds(declared(tmp_path, "torchxrayvision", "all.safetensors"), "torchxrayvision")


def test_radimagenet_gives_what_its_resnet_and_its_densenet_give(tmp_path: Path) -> None:
    from monai.networks.nets.resnet import resnet50

    numbers = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
    network = resnet50(
        spatial_dims=2, n_input_channels=3, conv1_t_stride=2, bias_downsample=False, feed_forward=False
    )
    residual = {}
    for name, shape in shapes_of(network).items():
        first, rest = name.split(".", 1)
        residual[f"backbone.{numbers[first]}.{rest}"] = shape
    save_file(by_formula(residual), tmp_path / "ResNet50.safetensors")
    save_file(by_formula(dense_names(3, "backbone.0.")), tmp_path / "DenseNet121.safetensors")

    holds(declared(tmp_path, "radimagenet", "ResNet50.safetensors"), "radimagenet resnet50")
    holds(declared(tmp_path, "radimagenet", "DenseNet121.safetensors"), "radimagenet densenet121")


def test_radimagenet_gives_what_its_inception_gives(tmp_path: Path) -> None:
    numbers = {name: number for number, name in INCEPTION_LAYERS.items()}
    shapes = {}
    for name, shape in shapes_of(FidInception()).items():
        layer, rest = name.split(".", 1)
        if layer != "fc":
            shapes[f"backbone.{numbers[layer]}.{rest}"] = shape
    save_file(by_formula(shapes), tmp_path / "InceptionV3.safetensors")

    holds(declared(tmp_path, "radimagenet", "InceptionV3.safetensors"), "radimagenet inception")


def tower(names: str, width: int, depth: int, patch: int, side: int, out: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an image tower as open_clip saves it, its own or timm's."""
    count = (side // patch) ** 2 + 1
    if names == "timm":
        stem, block = "visual.trunk.", "visual.trunk.blocks"
        parts = ("norm1", "norm2", "attn.qkv.", "attn.proj", "mlp.fc1", "mlp.fc2")
        shapes: dict[str, tuple[int, ...]] = {
            f"{stem}cls_token": (1, 1, width),
            f"{stem}pos_embed": (1, count, width),
            f"{stem}patch_embed.proj.weight": (width, 3, patch, patch),
            f"{stem}patch_embed.proj.bias": (width,),
            "visual.head.proj.weight": (out, width),
        }
        norms = [f"{stem}norm"]
    else:
        stem, block = "visual.", "visual.transformer.resblocks"
        parts = ("ln_1", "ln_2", "attn.in_proj_", "attn.out_proj", "mlp.c_fc", "mlp.c_proj")
        shapes = {
            f"{stem}class_embedding": (width,),
            f"{stem}positional_embedding": (count, width),
            f"{stem}conv1.weight": (width, 3, patch, patch),
            f"{stem}proj": (width, out),
        }
        norms = [f"{stem}ln_pre", f"{stem}ln_post"]
    for number in range(depth):
        at = f"{block}.{number}."
        norms += [at + parts[0], at + parts[1]]
        shapes |= {f"{at}{parts[2]}weight": (3 * width, width), f"{at}{parts[2]}bias": (3 * width,)}
        for part, into, to in (
            (parts[3], width, width),
            (parts[4], width, 4 * width),
            (parts[5], 4 * width, width),
        ):
            shapes |= {f"{at}{part}.weight": (to, into), f"{at}{part}.bias": (to,)}
    return shapes | {f"{norm}.{end}": (width,) for norm in norms for end in ("weight", "bias")}


@pytest.mark.parametrize(
    ("fact", "vision", "more", "shapes"),
    [
        ("open_clip", {"image_size": 32, "width": 128}, {}, tower("own", 128, 2, 8, 32, 10)),
        (
            "open_clip quick",
            {"image_size": 32, "width": 128},
            {"quick_gelu": True},
            tower("own", 128, 2, 8, 32, 10),
        ),
        (
            "open_clip timm",
            {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "", "timm_proj": "linear"},
            {},
            tower("timm", 192, 12, 16, 224, 10),
        ),
    ],
)
def test_open_clip_gives_what_its_own_tower_and_timms_give(
    fact: str, vision: Any, more: Any, shapes: Any, tmp_path: Path
) -> None:
    save_file(by_formula(shapes), tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"vision_cfg": vision, **more}}))

    holds(declared(tmp_path, "open_clip", "."), fact)


def test_clean_fid_is_resized_as_clean_fid_resizes() -> None:
    preparation = LIBRARIES["clean-fid"].preparation

    for side in SIDES:
        bytes_again = prepared(square(side), preparation)[0] * 128 + 128

        assert bytes_again[::37, ::41] == pytest.approx(
            np.array(FACTS["clean-fid resized"][str(side)]), abs=1e-3
        )


@pytest.fixture
def dino(tmp_path: Path) -> Path:
    """A small DINOv2 that has learned nothing, saved with its processor as RAD-DINO is."""
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14
    )
    folder = tmp_path / "rad-dino"
    Dinov2Model(config).save_pretrained(folder)
    processor = {
        "do_center_crop": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "crop_size": {"height": 56, "width": 56},
        "size": {"shortest_edge": 64},
        "resample": 3,
        "rescale_factor": 1 / 255,
        "image_mean": [0.53, 0.53, 0.53],
        "image_std": [0.25, 0.25, 0.25],
        "image_processor_type": "BitImageProcessor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def test_dinov2_gives_what_transformers_own_processor_and_model_give(dino: Path) -> None:
    from PIL import Image
    from transformers import Dinov2Model

    spec = declared(dino.parent, "transformers", "rad-dino")
    small = np.asarray(Image.fromarray(square(331)).convert("RGB").resize((64, 64), Image.Resampling.BICUBIC))
    values = (small[4:60, 4:60] / 255 - 0.53) / 0.25
    with torch.inference_mode():
        output = Dinov2Model.from_pretrained(dino)(torch.from_numpy(values).permute(2, 0, 1)[None].float())

    row = extractor(spec).features([square(331)])[0]

    assert row == pytest.approx(output.pooler_output[0].numpy(), abs=1e-5)
    assert row == pytest.approx(output.last_hidden_state[0, 0].numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ('library = "none"\nfile = "a.pt"', "names no library; known are torchscript, pytorch-fid"),
        ('library = "pytorch-fid"', "names no file"),
        ('library = "pytorch-fid"\nfile = "none.pth"', "has no weights: there is no file none.pth"),
        ('library = "pytorch-fid"\nfile = "a.pt"\nside = 3', "has a key that is not known: side"),
        ('library = "pytorch-fid"\nfile = "a.pt"\n[image]\nside = 3', "needs a side from 8 to 2048"),
        ('library = "pytorch-fid"\nfile = "a.pt"\n[image]\nfilter = "x"', "names no filter that is known"),
        ('library = "pytorch-fid"\nfile = "a.pt"\n[image]\nmean = [1]', "needs mean and std together"),
        (f'library = "pytorch-fid"\nfile = "a.pt"\nsha256 = "{"0" * 64}"', "its SHA-256 is"),
        ("=", "is no recipe that can be read"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_one_sentence(
    recipe: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "a.pt").write_bytes(b"weights")
    (tmp_path / "mine.toml").write_text(recipe)

    with pytest.raises(ExtractorError, match=sentence):
        extractor(str(tmp_path / "mine.toml"))


@needs_wall
def test_a_recipe_that_does_not_fit_its_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    save_file({"features.conv0.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "dense.safetensors")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    (tmp_path / "text.pt").write_text("hello")

    def refusal(library: str, file: str) -> str:
        with pytest.raises(ExtractorError) as caught:
            extractor(declared(tmp_path, library, file)).features([square(64)])
        return str(caught.value)

    assert "lacks weights of a pytorch-fid network: Conv2d_1a_3x3" in refusal(
        "pytorch-fid", "dense.safetensors"
    )
    assert "save its `state_dict()` in a file of its own" in refusal("torchxrayvision", "module.pt")
    assert "text.pt" in refusal("pytorch-fid", "text.pt")
    assert "has no open_clip_model.safetensors" in refusal("open_clip", "none")
    assert "has no model.safetensors in the folder" in refusal("transformers", "none")


class TokensOfModule(torch.nn.Module):
    """Of a part of it, tokens: (n, 4, 2) of the image's mean and largest value."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = Tokens()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


class Tokens(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pairs = torch.stack([images.mean(dim=(1, 2, 3)), images.amax(dim=(1, 2, 3))], dim=1)
        return pairs[:, None] * torch.tensor([1.0, 2.0, 3.0, 6.0])[None, :, None]


@needs_wall
def test_any_torchscript_takes_what_its_recipe_prepares(tmp_path: Path) -> None:
    script: Any = torch.jit.script(TokensOfModule())
    script.save(str(tmp_path / "tokens.pt"))
    image = "[image]\nside = 16\nchannels = 1\nas_bytes = false\nrange = [-1.0, 1.0]"
    white = np.full((20, 20), 255, np.uint8)

    def row(output: str) -> list[float]:
        more = f'module = "layers"\noutput = "{output}"\n{image}'
        return list(extractor(declared(tmp_path, "torchscript", "tokens.pt", more)).features([white])[0])

    assert row("cls") == pytest.approx([1, 1])
    assert row("mean") == pytest.approx([3, 3])
