"""The extractors there are: the small one that ships, a TorchScript file, a folder of CLIP, a declared recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.diffusion.model_cache import device_for_work
from generation.features import SHIPPED
from generation.metrics.clip_extractor import WEIGHTS, ClipExtractor
from generation.metrics.feature_extractor import (
    Extractor,
    ExtractorError,
    batches,
    file_sha256,
    gathered,
    no_heartbeat,
)
from generation.metrics.published.recipe import CLIP_LIBRARY, Recipe, read_recipe
from generation.metrics.published.recipe_extractor import RECIPE_SUFFIX, RecipeExtractor
from generation.torchscript.scripted_model import ScriptedModel, ScriptError
from pool.canonical.pixels import Pixels

if TYPE_CHECKING:
    import torch

INCEPTION_SIDE = 299


def extractor(spec: str = "") -> Extractor:
    """The extractor of a spec: nothing for the small one that ships, PATH.toml of a recipe, or PATH or PATH#SHA256 of a
    TorchScript file or of a folder of CLIP (the hash is that of its model.safetensors).

    Raises ExtractorError for a file that is not there, has another hash, or is not what it is said to be.
    """
    if not spec:
        return SmallExtractor()
    name, _, sha256 = spec.partition("#")
    path = Path(name).expanduser()
    if path.suffix == RECIPE_SUFFIX:
        return _of_recipe(read_recipe(path))
    weights = path / WEIGHTS if path.is_dir() else path
    if not weights.is_file():
        raise ExtractorError(f"There is no extractor at {weights}.")
    digest = file_sha256(weights)
    if sha256 and sha256.lower() != digest:
        raise ExtractorError(f"{weights.name} is not the file that was asked for: its SHA-256 is {digest}.")
    return ClipExtractor(path, digest) if path.is_dir() else TorchScriptExtractor(path, digest)


def _of_recipe(recipe: Recipe) -> Extractor:
    declared = RecipeExtractor.of(recipe)
    if recipe.library == CLIP_LIBRARY:
        return ClipExtractor(recipe.path, declared.sha256, title=recipe.name)
    return declared


@dataclass
class SmallExtractor:
    """Grey images at 64×64 to 64 numbers, learned from drawings (see train_extractor.py), shrunk as it learned them."""

    path: Path = SHIPPED
    dimensions: int = 64
    name: str = "phantom-64"
    recipe_sha256: str = ""

    @cached_property
    def sha256(self) -> str:
        return file_sha256(self.path)

    @cached_property
    def _network(self) -> torch.nn.Module:
        from generation.features.small_network import shipped_network

        return shipped_network(self.path).to(device_for_work())

    def features(
        self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = no_heartbeat
    ) -> NDArray[np.float32]:
        import torch

        from generation.features.small_network import SIDE

        device, rows = next(self._network.parameters()).device, []
        for batch in batches(images, SIDE, colour=False, shrink=Image.Resampling.BOX):
            with torch.inference_mode():
                values = torch.from_numpy(batch).to(device).unsqueeze(1).float() / 255
                rows.append(np.asarray(self._network(values).float().cpu().numpy(), dtype=np.float32))
            heartbeat()
        return gathered(rows, self.dimensions)


@dataclass
class TorchScriptExtractor:
    """Any TorchScript network that takes uint8 (n, 3, 299, 299) and gives (n, d), such as the published Inception.

    A TorchScript file is a program: it is run on the processor, behind a wall.
    """

    path: Path
    sha256: str
    recipe_sha256: str = ""

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def dimensions(self) -> int:
        black = np.zeros((1, INCEPTION_SIDE, INCEPTION_SIDE, 3), dtype=np.uint8)
        return int(self._rows(black).shape[1])

    @cached_property
    def _network(self) -> ScriptedModel:
        try:
            return ScriptedModel(self.path)
        except ScriptError as error:
            raise ExtractorError(
                f"{self.path.name} is no TorchScript file that can be used: it {error}."
            ) from error

    @cached_property
    def _options(self) -> dict[str, bool]:
        """StyleGAN's Inception gives class scores unless it is asked for features."""
        return {"return_features": True} if "return_features" in self._network.arguments else {}

    def _rows(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            features = self._network.run(np.moveaxis(batch, -1, 1), **self._options)
        except ScriptError as error:
            raise ExtractorError(
                f"{self.path.name} does not take uint8 images of three channels ({error})."
            ) from error
        if features.ndim == 0 or len(features) != len(batch):
            raise ExtractorError(f"{self.path.name} does not give one row of features for each image.")
        return np.asarray(features.reshape(len(features), -1), dtype=np.float32)

    def features(
        self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = no_heartbeat
    ) -> NDArray[np.float32]:
        rows = []
        for batch in batches(images, INCEPTION_SIDE, colour=True):
            rows.append(self._rows(batch))
            heartbeat()
        return gathered(rows, self.dimensions)
