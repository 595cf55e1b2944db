"""The image side of open_clip's models, its own transformer or timm's (BiomedCLIP), from weights by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_WIDTH = 64  # of every vit_tiny, small, base and large of timm, and open_clip's own where it says nothing
TIMM_NAMES = re.compile(r"vit_(tiny|small|base|large)_patch\d+_\d+(\.\w+)?")
# The names of either library as ours; what is not named stays.
OPEN_CLIP = (
    (r"^visual\.transformer\.resblocks\.(\d+)\.ln_([12])\.", r"blocks.\1.norm\2."),
    (r"^visual\.transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)$", r"blocks.\1.qkv.\2"),
    (r"^visual\.transformer\.resblocks\.(\d+)\.attn\.out_proj\.", r"blocks.\1.out."),
    (r"^visual\.transformer\.resblocks\.(\d+)\.mlp\.c_fc\.", r"blocks.\1.widen."),
    (r"^visual\.transformer\.resblocks\.(\d+)\.mlp\.c_proj\.", r"blocks.\1.narrow."),
    (r"^visual\.conv1\.", "patches."),
    (r"^visual\.class_embedding$", "token"),
    (r"^visual\.positional_embedding$", "places"),
    (r"^visual\.ln_pre\.", "before."),
    (r"^visual\.ln_post\.", "after."),
    (r"^visual\.proj$", "projection"),
)
TIMM = (
    (r"^visual\.trunk\.blocks\.(\d+)\.norm([12])\.", r"blocks.\1.norm\2."),
    (r"^visual\.trunk\.blocks\.(\d+)\.attn\.qkv\.", r"blocks.\1.qkv."),
    (r"^visual\.trunk\.blocks\.(\d+)\.attn\.proj\.", r"blocks.\1.out."),
    (r"^visual\.trunk\.blocks\.(\d+)\.mlp\.fc1\.", r"blocks.\1.widen."),
    (r"^visual\.trunk\.blocks\.(\d+)\.mlp\.fc2\.", r"blocks.\1.narrow."),
    (r"^visual\.trunk\.patch_embed\.proj\.", "patches."),
    (r"^visual\.trunk\.cls_token$", "token"),
    (r"^visual\.trunk\.pos_embed$", "places"),
    (r"^visual\.trunk\.norm\.", "after."),
    (r"^visual\.head\.proj\.weight$", "projection"),
)


@dataclass(frozen=True)
class Shape:
    width: int
    depth: int
    heads: int
    patch: int
    side: int
    hidden: int
    out: int
    epsilon: float
    quick_gelu: bool = False
    has_norm_before: bool = False
    has_patch_bias: bool = False


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads, self.quick_gelu = shape.heads, shape.quick_gelu
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=shape.epsilon) for _ in range(2))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, shape.hidden), nn.Linear(shape.hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attention = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.out(attention.transpose(1, 2).reshape(n, length, width))
        wide = self.widen(self.norm2(x))
        wide = wide * torch.sigmoid(1.702 * wide) if self.quick_gelu else functional.gelu(wide)
        return x + self.narrow(wide)  # type: ignore[no-any-return]  # a module's call


class VisionTransformer(nn.Module):
    """(n, 3, side, side) to (n, out): the projected class token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, count = shape.width, (shape.side // shape.patch) ** 2
        self.patches = nn.Conv2d(3, width, shape.patch, stride=shape.patch, bias=shape.has_patch_bias)
        self.token = nn.Parameter(torch.zeros(width))
        self.places = nn.Parameter(torch.zeros(count + 1, width))
        self.before = nn.LayerNorm(width, eps=shape.epsilon) if shape.has_norm_before else nn.Identity()
        self.blocks = nn.Sequential(*(Layer(shape) for _ in range(shape.depth)))
        self.after = nn.LayerNorm(width, eps=shape.epsilon)
        self.projection = nn.Parameter(torch.zeros(width, shape.out))

    def forward(self, x: Tensor) -> Tensor:
        rows = self.patches(x).flatten(2).transpose(1, 2)
        rows = torch.cat([self.token.expand(len(rows), 1, -1), rows], dim=1) + self.places
        return self.after(self.blocks(self.before(rows)))[:, 0] @ self.projection  # type: ignore[no-any-return]  # a module's call


def renamed(weights: Mapping[str, Tensor], *, timm: bool) -> dict[str, Tensor]:
    """The image side's weights by our names; the text side is left out."""
    out: dict[str, Tensor] = {}
    for name, value in weights.items():
        for pattern, ours in TIMM if timm else OPEN_CLIP:
            new, count = re.subn(pattern, ours, name)
            if count:
                out[new] = value
    for name in {"token", "places"} & set(out):
        out[name] = out[name].reshape(-1, out[name].shape[-1]) if name == "places" else out[name].reshape(-1)
    if timm and "projection" in out:
        out["projection"] = out["projection"].T
    return out


def shape_of(vision: Mapping[str, object], weights: Mapping[str, Tensor], *, quick_gelu: bool) -> Shape:
    """The network that these weights are of, by open_clip's `vision_cfg`. Raises KeyError and ValueError."""
    timm = str(vision.get("timm_model_name", ""))
    if timm and not TIMM_NAMES.fullmatch(timm):
        raise ValueError(f"is a {timm}, which is no plain vision transformer of timm")
    if timm and (vision.get("timm_pool") not in {"", "token", None} or vision.get("timm_proj") != "linear"):
        raise ValueError("ends in a pool or a projection that is not known here")
    refused = [key for key in ("attentional_pool", "global_average_pool", "no_ln_pre") if vision.get(key)]
    if refused or vision.get("pool_type", "tok") != "tok":
        raise ValueError("ends in a pool that is not known here")
    width, _, patch, _ = weights["patches.weight"].shape
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    return Shape(
        width=width,
        depth=depth,
        heads=width // int(str(vision.get("head_width", HEAD_WIDTH))),
        patch=patch,
        side=int(str(vision.get("image_size", 224))),
        hidden=weights["blocks.0.widen.weight"].shape[0],
        out=weights["projection"].shape[1],
        epsilon=1e-6 if timm else 1e-5,
        quick_gelu=quick_gelu and not timm,
        has_norm_before="before.weight" in weights,
        has_patch_bias="patches.bias" in weights,
    )
