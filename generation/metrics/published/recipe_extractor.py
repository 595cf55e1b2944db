"""An extractor made of its recipe: the weights' hash, the preparation's hash and the name stand beside its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from generation.metrics.feature_extractor import ExtractorError, file_sha256, gathered, no_heartbeat
from generation.metrics.published.networks import Network, Rows, load, weights_file
from generation.metrics.published.preparing import Values, prepared_batches
from generation.metrics.published.recipe import Recipe
from pool.canonical.pixels import Pixels

RECIPE_SUFFIX = ".toml"


@dataclass
class RecipeExtractor:
    """A published network's features, of images prepared as its library prepares them."""

    recipe: Recipe
    sha256: str

    @classmethod
    def of(cls, recipe: Recipe) -> RecipeExtractor:
        """Raises ExtractorError where the weights are not there, or are others than the recipe names."""
        weights = weights_file(recipe)
        digest = file_sha256(weights)
        if recipe.sha256 and recipe.sha256 != digest:
            raise ExtractorError(
                f"{weights.name} is not the file that “{recipe.name}” names: its SHA-256 is {digest}."
            )
        return cls(recipe, digest)

    @property
    def name(self) -> str:
        return self.recipe.name

    @cached_property
    def recipe_sha256(self) -> str:
        return self.recipe.sha256_of(self._network.preparation)

    @cached_property
    def _network(self) -> Network:
        return load(self.recipe)

    @cached_property
    def dimensions(self) -> int:
        side = self._network.preparation.side
        black = np.zeros((side, side), dtype=np.uint8)
        return int(self._rows(next(prepared_batches([black], self._network.preparation))).shape[1])

    def _rows(self, batch: Values) -> Rows:
        rows = self._network.rows(batch)
        if rows.ndim != 2 or len(rows) != len(batch):
            raise ExtractorError(f"“{self.name}” does not give one row of features for each image.")
        return rows

    def features(
        self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = no_heartbeat
    ) -> NDArray[np.float32]:
        rows = []
        for batch in prepared_batches(images, self._network.preparation):
            rows.append(self._rows(batch))
            heartbeat()
        return gathered(rows, self.dimensions)
