"""What the libraries themselves give for weights and images by formula: the facts tests hold our extractors against.

Run in an environment of its own, from the repository's folder, with torch, torchvision, timm, and without their
dependencies pytorch-fid 0.3.0, torch-fidelity 0.4.0, clean-fid 0.1.35, open_clip_torch 3.3.0, torchxrayvision 1.5.7
(and opencv-python-headless, scikit-image, ftfy, regex, requests, pandas, imageio, tqdm, scipy):

    python -m bench.extractor_facts tests/data/extractors.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.generation.metrics.formula_weights import square, weight

SIDES = (100, 331)
FIRST = 12
Forward = Callable[[Any], Any]


def filled(network: Any) -> Any:
    """The library's network with every weight by formula, by the library's own names."""
    state = network.state_dict()
    network.load_state_dict(
        {
            name: value if value.dtype == torch.int64 else torch.from_numpy(weight(name, tuple(value.shape)))
            for name, value in state.items()
        }
    )
    return network.eval()


def pytorch_fid() -> Forward:
    from pytorch_fid import inception

    def bare() -> Any:
        network = inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
        network.Mixed_5b = inception.FIDInceptionA(192, pool_features=32)
        network.Mixed_5c = inception.FIDInceptionA(256, pool_features=64)
        network.Mixed_5d = inception.FIDInceptionA(288, pool_features=64)
        network.Mixed_6b = inception.FIDInceptionC(768, channels_7x7=128)
        network.Mixed_6c = inception.FIDInceptionC(768, channels_7x7=160)
        network.Mixed_6d = inception.FIDInceptionC(768, channels_7x7=160)
        network.Mixed_6e = inception.FIDInceptionC(768, channels_7x7=192)
        network.Mixed_7b = inception.FIDInceptionE_1(1280)
        network.Mixed_7c = inception.FIDInceptionE_2(2048)
        return network

    inception.load_state_dict_from_url = lambda *_args, **_more: filled(bare()).state_dict()
    network = inception.InceptionV3([3]).eval()
    return lambda image: network(tensor(image).repeat(1, 3, 1, 1).float() / 255)[0].flatten(1)


def torch_fidelity() -> Forward:
    from torch_fidelity import feature_extractor_inceptionv3 as module

    module.load_state_dict_from_url = lambda *_args, **_more: {}
    original = module.FeatureExtractorInceptionV3.load_state_dict
    module.FeatureExtractorInceptionV3.load_state_dict = lambda self, _state: original(
        self,
        {
            name: value if value.dtype == torch.int64 else torch.from_numpy(weight(name, tuple(value.shape)))
            for name, value in self.state_dict().items()
        },
    )
    network = module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"]).eval()
    return lambda image: network(tensor(image).repeat(1, 3, 1, 1))[0]


def torchxrayvision() -> Forward:
    import skimage.transform  # noqa: F401  # torchxrayvision reaches it by its parent's name
    import torchxrayvision as xrv

    network = filled(xrv.models.DenseNet(num_classes=18, in_channels=1))
    resize = xrv.datasets.XRayResizer(224)

    def forward(image: Any) -> Any:
        ready = resize(xrv.datasets.normalize(image, 255)[None])
        return network.features2(torch.from_numpy(ready)[None])

    return forward


def radimagenet(architecture: str) -> Forward:
    """As RadImageNet's repository builds and feeds it."""
    import cv2
    import torchvision

    more = {"aux_logits": False, "init_weights": False} if architecture == "inception_v3" else {}
    base = getattr(torchvision.models, architecture)(weights=None, **more)
    layers = list(base.children())
    network = filled(Backbone(torch.nn.Sequential(*layers[:-1])))

    def forward(image: Any) -> Any:
        resized = cv2.resize(np.repeat(image[..., None], 3, axis=2), (224, 224))
        values = (torch.from_numpy(resized).permute(2, 0, 1)[None].float() - 127.5) * 2 / 255
        features = network.backbone(values)
        if architecture.startswith("densenet"):
            features = torch.relu(features).mean(dim=(2, 3))
        return features.flatten(1)

    return forward


class Backbone(torch.nn.Module):
    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone


class Visual(torch.nn.Module):
    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual


def open_clip_own(*, quick: bool) -> Forward:
    import open_clip
    from open_clip.transformer import QuickGELU, VisionTransformer

    act = QuickGELU if quick else torch.nn.GELU
    visual = VisionTransformer(32, 8, 128, 2, 2, 4.0, output_dim=10, act_layer=act)
    return clip_forward(filled(Visual(visual)).visual, open_clip)


def open_clip_timm() -> Forward:
    import open_clip
    from open_clip.timm_model import TimmModel

    visual = TimmModel("vit_tiny_patch16_224", 10, 224, pool="", proj="linear")
    return clip_forward(filled(Visual(visual)).visual, open_clip, side=224)


def clip_forward(visual: Any, open_clip: Any, side: int = 32) -> Forward:
    from PIL import Image

    transform = open_clip.image_transform(
        side,
        is_train=False,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
        interpolation="bicubic",
        resize_mode="shortest",
    )
    return lambda image: visual(transform(Image.fromarray(image))[None])


def tensor(image: Any) -> Any:
    return torch.from_numpy(image)[None, None]


def clean_resize() -> Any:
    from cleanfid.resize import build_resizer

    return build_resizer("clean")


def facts() -> dict[str, Any]:
    networks = {
        "pytorch-fid": pytorch_fid(),
        "torch-fidelity": torch_fidelity(),
        "torchxrayvision": torchxrayvision(),
        "radimagenet resnet50": radimagenet("resnet50"),
        "radimagenet densenet121": radimagenet("densenet121"),
        "radimagenet inception": radimagenet("inception_v3"),
        "open_clip": open_clip_own(quick=False),
        "open_clip quick": open_clip_own(quick=True),
        "open_clip timm": open_clip_timm(),
    }
    rows: dict[str, Any] = {}
    with torch.inference_mode():
        for name, forward in networks.items():
            for side in SIDES:
                row = forward(square(side))[0].double().numpy()
                rows.setdefault(name, {})[str(side)] = {
                    "first": row[:FIRST].tolist(),
                    "length": float(np.linalg.norm(row)),
                    "dimensions": len(row),
                }
    resize = clean_resize()
    rows["clean-fid resized"] = {
        str(side): resize(np.repeat(square(side)[..., None], 3, axis=2))[::37, ::41, 0].astype(float).tolist()
        for side in SIDES
    }
    return rows


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(facts(), indent=1) + "\n")
