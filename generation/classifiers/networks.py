"""The classifiers' networks: MONAI's, whole or small, with local weights where a person has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from generation.torchscript.scripted_model import ScriptedModel, ScriptError

# Each architecture, and the layer whose activations Grad-CAM weighs.
CAM_LAYERS = {
    "densenet121": "class_layers.relu",
    "efficientnet-b0": "_conv_head",
    "resnet18": "layer4",
    "tiny-densenet": "features.denseblock2",
    "tiny-efficientnet": "_conv_head",
    "tiny-resnet": "layer3",
}
EFFICIENTNET_B0 = (
    "r1_k3_s11_e1_i32_o16_se0.25",
    "r2_k3_s22_e6_i16_o24_se0.25",
    "r2_k5_s22_e6_i24_o40_se0.25",
    "r3_k3_s22_e6_i40_o80_se0.25",
    "r3_k5_s11_e6_i80_o112_se0.25",
    "r4_k5_s22_e6_i112_o192_se0.25",
    "r1_k3_s11_e6_i192_o320_se0.25",
)
# What is called differently in torchvision's DenseNets, from which most published weights come.
DENSE_LAYER = re.compile(r"(denselayer\d+\.)((?:norm|relu|conv)\d\.)")
LEAST_SHARE = 0.5


class WeightsError(ValueError):
    """This weights file does not fit; the message says why."""


def build(architecture: str, *, channels: int, classes: int, size: int) -> nn.Module:
    """A fresh network from (n, channels, size, size) to n × classes logits; its weights come from torch's seed."""
    return cast("nn.Module", _build(architecture, channels, classes, size))


def _build(architecture: str, channels: int, classes: int, size: int) -> Any:
    from monai.networks import nets as monai_nets

    nets: Any = monai_nets  # MONAI exports by star, which type checkers do not follow

    if architecture == "densenet121":
        return nets.DenseNet121(spatial_dims=2, in_channels=channels, out_channels=classes)
    if architecture == "tiny-densenet":
        return nets.DenseNet(2, channels, classes, init_features=16, growth_rate=8, block_config=(2, 2, 2, 2))
    if architecture == "resnet18":
        return nets.resnet18(
            spatial_dims=2,
            n_input_channels=channels,
            num_classes=classes,
            conv1_t_stride=2,
            shortcut_type="B",
        )
    if architecture == "tiny-resnet":
        return nets.ResNet(
            "basic",
            [1, 1, 1, 1],
            [8, 16, 32, 64],
            2,
            channels,
            7,
            1,
            num_classes=classes,
            bias_downsample=False,
        )
    if architecture in {"efficientnet-b0", "tiny-efficientnet"}:
        tiny = architecture.startswith("tiny")
        return nets.EfficientNet(
            list(EFFICIENTNET_B0[:4] if tiny else EFFICIENTNET_B0),
            2,
            channels,
            classes,
            width_coefficient=0.5 if tiny else 1.0,
            depth_coefficient=0.4 if tiny else 1.0,
            drop_connect_rate=0.0 if tiny else 0.2,
            image_size=size,
        )
    raise ValueError(f"There is no architecture {architecture!r}; there are {', '.join(CAM_LAYERS)}.")


def load_weights(network: nn.Module, path: Path) -> int:
    """Take over every layer of a safetensors or TorchScript file that fits but the last; how many tensors did.

    Filters for three colours are added up for a grey network. Raises WeightsError where less than half fits.
    """
    own = network.state_dict()
    tensors = {_our_name(name): value for name, value in _tensors(path).items()}
    last = list(own)[-1].rpartition(".")[0]
    fitting = {
        name: fitted
        for name, value in own.items()
        if not name.startswith(f"{last}.") and (fitted := _fitted(tensors.get(name), value)) is not None
    }
    if len(fitting) < LEAST_SHARE * len(own):
        raise WeightsError(
            f"The weights in {path.name} are of another network: {len(fitting)} of {len(own)} tensors fit."
        )
    network.load_state_dict({**own, **fitting})
    return len(fitting)


def _fitted(tensor: Tensor | None, own: Tensor) -> Tensor | None:
    if tensor is None or tensor.shape == own.shape:
        return tensor
    grey_from_colour = tensor.ndim == own.ndim == 4 and own.shape[1] == 1 and tensor.shape[1] == 3
    summed = tensor.sum(dim=1, keepdim=True) if grey_from_colour else tensor
    return summed if summed.shape == own.shape else None


def _our_name(name: str) -> str:
    name = name.removeprefix("module.").removeprefix("model.")
    name = DENSE_LAYER.sub(r"\1layers.\2", name) if "layers." not in name else name
    return name.replace("classifier.", "class_layers.out.")


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        network = ScriptedModel(path)
        try:
            return {name: torch.from_numpy(values.copy()) for name, values in network.weights().items()}
        finally:
            network.close()
    except ScriptError as error:
        raise WeightsError(
            f"The weights in {path.name} cannot be read: safetensors and TorchScript files are taken; as TorchScript "
            f"it {error}."
        ) from error
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(
            f"The weights in {path.name} cannot be read: safetensors and TorchScript files are taken."
        ) from error
