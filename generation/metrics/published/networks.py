"""The network of a recipe, with its weights, as a function from prepared images to rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.model_cache import device_for_work
from generation.metrics.feature_extractor import ExtractorError
from generation.metrics.published.preparing import Values
from generation.metrics.published.recipe import CLIP_LIBRARY, Preparation, Recipe
from generation.metrics.published.resizing import BY_NUMBER
from generation.metrics.published.weights import WeightsFileError, weights_of
from generation.torchscript.scripted_model import ScriptedModel, ScriptError

if TYPE_CHECKING:
    from torch import Tensor, nn

Rows = NDArray[np.float32]
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
TRANSFORMERS_WEIGHTS = ("model.safetensors",)
FEW = 3  # names of weights in a sentence


@dataclass(frozen=True)
class Network:
    """What a recipe's file turned out to be; the preparation may be that which the folder itself describes."""

    rows: Callable[[Values], Rows]
    preparation: Preparation


def weights_file(recipe: Recipe) -> Path:
    """The file whose hash names the network: of a folder the one that holds the weights. Raises ExtractorError."""
    names = {
        "open_clip": OPEN_CLIP_WEIGHTS,
        "transformers": TRANSFORMERS_WEIGHTS,
        CLIP_LIBRARY: TRANSFORMERS_WEIGHTS,
    }.get(recipe.library)
    if names is None:
        if not recipe.path.is_file():
            raise ExtractorError(
                f"“{recipe.name}” has no weights: there is no file {recipe.path.name} where its recipe says."
            )
        return recipe.path
    for name in names:
        if (recipe.path / name).is_file():
            return recipe.path / name
    raise ExtractorError(f"“{recipe.name}” has no {' or '.join(names)} in the folder {recipe.path.name}.")


def load(recipe: Recipe) -> Network:
    """Raises ExtractorError with one sentence where the file is not what the recipe says."""
    loaders: dict[str, Callable[[Recipe], Network]] = {
        "torchscript": _script,
        "clean-fid": _script,
        "transformers": _transformers,
        "open_clip": _open_clip,
        "torchxrayvision": _torchxrayvision,
        "radimagenet": _radimagenet,
    }
    try:
        return loaders.get(recipe.library, _inception)(recipe)
    except (WeightsFileError, ScriptError) as error:
        raise ExtractorError(f"“{recipe.name}”: {weights_file(recipe).name} {error}.") from error


def _script(recipe: Recipe) -> Network:
    model = ScriptedModel(recipe.path, module=recipe.module)
    # StyleGAN's Inception gives class scores unless it is asked for features.
    options = {"return_features": True} if "return_features" in model.arguments else {}

    def rows(batch: Values) -> Rows:
        try:
            features = model.run(batch, **options)
        except ScriptError as error:
            raise ExtractorError(
                f"“{recipe.name}” does not take what its recipe prepares ({error})."
            ) from error
        return pooled(np.asarray(features, dtype=np.float32), recipe)

    return Network(rows, recipe.preparation)


def pooled(features: Rows, recipe: Recipe) -> Rows:
    """One row an image: of (n, tokens, d) the first or the mean, of maps the mean over places, else all of it in a row."""
    if features.ndim == 3 and recipe.output == "cls":
        features = features[:, 0]
    if features.ndim > 2 and recipe.output == "mean":
        axes = (1,) if features.ndim == 3 else tuple(range(2, features.ndim))
        features = features.mean(axis=axes)
    return features.reshape(len(features), -1) if features.ndim else features


def _here(recipe: Recipe, network: nn.Module, forward: Callable[[Tensor], Tensor] | None = None) -> Network:
    import torch

    device = device_for_work()
    network = network.to(device).eval()

    def rows(batch: Values) -> Rows:
        with torch.inference_mode():
            values = torch.from_numpy(np.ascontiguousarray(batch)).to(device).float()
            return np.asarray((forward or network)(values).float().cpu().numpy(), dtype=np.float32)

    return Network(rows, recipe.preparation)


def _inception(recipe: Recipe) -> Network:
    from generation.metrics.published.inception import FidInception

    network = FidInception()
    _fill(network, weights_of(recipe.path), recipe)
    return _here(recipe, network)


def _torchxrayvision(recipe: Recipe) -> Network:
    """DenseNet-121 of one channel before its classifier, as `features2` gives it."""
    import torch
    from monai.networks.nets.densenet import DenseNet121

    network = DenseNet121(spatial_dims=2, in_channels=recipe.preparation.channels, out_channels=1)
    network.class_layers.out = torch.nn.Identity()
    _fill(network, _as_monai(weights_of(recipe.path)), recipe)
    return _here(recipe, network)


def _radimagenet(recipe: Recipe) -> Network:
    """ResNet-50, DenseNet-121 or Inception v3 without its last layer, as RadImageNet saves them: layers by number in `backbone`."""
    import torch
    from monai.networks.nets.densenet import DenseNet121
    from monai.networks.nets.resnet import resnet50

    weights = weights_of(recipe.path)
    if any(name.startswith("backbone.0.denseblock1") for name in weights):
        dense = {re.sub(r"^backbone\.0\.", "features.", name): value for name, value in weights.items()}
        network: Any = DenseNet121(spatial_dims=2, in_channels=3, out_channels=1)
        network.class_layers.out = torch.nn.Identity()
        _fill(network, _as_monai(dense), recipe)
        return _here(recipe, network)
    if any(name.startswith("backbone.0.conv.") for name in weights):
        return _radimagenet_inception(recipe, weights)
    layers = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
    residual = {}
    for name, value in weights.items():
        match = re.match(r"backbone\.(\d)\.(.*)", name)
        residual[f"{layers.get(match[1], match[1])}.{match[2]}" if match else name] = value
    network = resnet50(
        spatial_dims=2, n_input_channels=3, conv1_t_stride=2, bias_downsample=False, feed_forward=False
    )
    _fill(network, residual, recipe)
    return _here(recipe, network)


# What stands under each number of the Inception; pools, which have no weights, are counted too.
INCEPTION_LAYERS = {
    **dict(enumerate(("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"))),
    **dict(enumerate(("Conv2d_3b_1x1", "Conv2d_4a_3x3"), start=4)),
    **dict(
        enumerate(
            (
                f"Mixed_{name}"
                for name in ("5b", "5c", "5d", *("6a", "6b", "6c", "6d", "6e"), "7a", "7b", "7c")
            ),
            start=7,
        )
    ),
}


def _radimagenet_inception(recipe: Recipe, weights: Mapping[str, Tensor]) -> Network:
    from generation.metrics.published.inception import TorchvisionInception

    renamed = {}
    for name, value in weights.items():
        match = re.fullmatch(r"backbone\.(\d+)\.(.*)", name)
        layer = INCEPTION_LAYERS.get(int(match[1])) if match else None
        if match and layer:
            renamed[f"{layer}.{match[2]}"] = value
    network = TorchvisionInception()
    _fill(network, renamed, recipe)
    return _here(recipe, network)


def _as_monai(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's names of a DenseNet as MONAI's."""
    return {
        re.sub(r"(denselayer\d+)\.(norm|conv)", r"\1.layers.\2", name): value
        for name, value in weights.items()
        if name.startswith("features.")
    }


def _fill(network: nn.Module, weights: Mapping[str, Tensor], recipe: Recipe) -> None:
    """Every weight of the network out of the file. Raises ExtractorError where one is missing or of another shape."""
    own = network.state_dict()
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    needed = set(own) - counters - {"fc.weight", "fc.bias"}
    missing = sorted(needed - set(weights))
    if missing:
        raise ExtractorError(
            f"“{recipe.name}” lacks weights of a {recipe.library} network: {', '.join(missing[:FEW])}."
        )
    other = sorted(name for name in needed if own[name].shape != weights[name].shape)
    if other:
        raise ExtractorError(f"“{recipe.name}” has weights of another shape: {', '.join(other[:FEW])}.")
    network.load_state_dict({name: weights[name] for name in needed}, strict=False)


def _open_clip(recipe: Recipe) -> Network:
    from generation.metrics.published.vision_transformer import VisionTransformer, renamed, shape_of

    try:
        config = json.loads((recipe.path / "open_clip_config.json").read_text())
        vision = config["model_cfg"]["vision_cfg"]
        weights = renamed(weights_of(weights_file(recipe)), timm="timm_model_name" in vision)
        shape = shape_of(vision, weights, quick_gelu=bool(config["model_cfg"].get("quick_gelu")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ExtractorError(
            f"“{recipe.name}” is no folder of open_clip that can be used: {error}."
        ) from error
    processor = config.get("preprocess_cfg", {})
    preparation = recipe.preparation
    if not recipe.own_image_table:
        mean, std = (
            tuple(processor.get(key, value))
            for key, value in (("mean", preparation.mean), ("std", preparation.std))
        )
        preparation = replace(preparation, side=shape.side, mean=mean, std=std)
    network = VisionTransformer(shape)
    _fill(network, weights, recipe)
    return replace(_here(recipe, network), preparation=preparation)


def _transformers(recipe: Recipe) -> Network:
    """The image tower of a folder as transformers saves it: DINOv2, RAD-DINO, ViT, SigLIP, CLIP …"""
    from transformers import AutoConfig, AutoModel

    try:
        if AutoConfig.from_pretrained(recipe.path, local_files_only=True).model_type == "clip":
            raise ExtractorError(f'“{recipe.name}” is a CLIP: its recipe says library = "clip".')
        loaded: Any = AutoModel.from_pretrained(
            recipe.path, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ExtractorError(
            f"“{recipe.name}” is no folder of a transformers model that can be loaded."
        ) from error
    network, report = loaded
    if report["missing_keys"]:  # transformers would make them up
        missing = ", ".join(sorted(report["missing_keys"])[:FEW])
        raise ExtractorError(f"“{recipe.name}” lacks weights of a {network.config.model_type}: {missing}.")

    def forward(values: Tensor) -> Tensor:
        out = network(pixel_values=values)
        if recipe.output == "mean":
            return out.last_hidden_state.mean(dim=1)  # type: ignore[no-any-return]  # transformers types no output
        if recipe.output == "pooled" and getattr(out, "pooler_output", None) is not None:
            return out.pooler_output  # type: ignore[no-any-return]  # transformers types no output
        return out.last_hidden_state[:, 0]  # type: ignore[no-any-return]  # transformers types no output

    return replace(_here(recipe, network, forward), preparation=_of_processor(recipe))


def _of_processor(recipe: Recipe) -> Preparation:
    """What `preprocessor_config.json` says of the folder's images, unless the recipe has a table of its own."""
    path, usual = recipe.path / "preprocessor_config.json", recipe.preparation
    if recipe.own_image_table or not path.is_file():
        return usual
    try:
        config = json.loads(path.read_text())
        size, crop = (
            config.get("size", usual.side),
            config.get("crop_size") if config.get("do_center_crop") else None,
        )
        resize = size if isinstance(size, int) else int(size.get("shortest_edge") or size["height"])
        side = resize if crop is None else int(crop if isinstance(crop, int) else crop["height"])
        scale = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
        does_normalise = bool(config.get("do_normalize", True))
        return replace(
            usual,
            side=side,
            resize=resize,
            filter=BY_NUMBER[int(config.get("resample", 3))],
            high=255 * scale,
            mean=tuple(map(float, config.get("image_mean", usual.mean))) if does_normalise else (),
            std=tuple(map(float, config.get("image_std", usual.std))) if does_normalise else (),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExtractorError(
            f"“{recipe.name}” has a preprocessor_config.json that makes no sense."
        ) from error
