"""CLIP's image side from a local folder, as transformers saves it: the vectors that CMMD is defined on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.model_cache import device_for_work
from generation.metrics.feature_extractor import ExtractorError, batches, gathered
from pool.canonical.pixels import Pixels

WEIGHTS = "model.safetensors"
MEAN, SPREAD = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)  # Radford et al. 2021


@dataclass
class ClipExtractor:
    """Images in colour at the network's size to its projected vectors, of length one (Jayasumana et al. 2024)."""

    folder: Path
    sha256: str
    recipe_sha256: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or f"CLIP {self.folder.name}"

    @property
    def dimensions(self) -> int:
        return int(self._network.config.projection_dim)

    @cached_property
    def _network(self) -> Any:
        from transformers import CLIPVisionModelWithProjection

        try:
            loaded: Any = CLIPVisionModelWithProjection.from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ExtractorError(f"{self.folder.name} is no folder of a CLIP that can be loaded.") from error
        network, report = loaded
        if report["missing_keys"]:  # transformers would make them up
            missing = ", ".join(sorted(report["missing_keys"])[:3])
            raise ExtractorError(f"{self.folder.name} lacks weights of a CLIP: {missing}.")
        return network.to(device_for_work()).eval()

    def features(
        self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        import torch

        network, rows = self._network, []
        mean, std = (torch.tensor(values).view(3, 1, 1).to(network.device) for values in (MEAN, SPREAD))
        for batch in batches(images, network.config.image_size, colour=True):
            with torch.inference_mode():
                inputs = torch.from_numpy(batch).to(network.device).permute(0, 3, 1, 2).float() / 255
                vectors = network(pixel_values=(inputs - mean) / std).image_embeds
                vectors = torch.nn.functional.normalize(vectors, dim=-1)
            rows.append(np.asarray(vectors.float().cpu().numpy(), dtype=np.float32))
            heartbeat()
        return gathered(rows, self.dimensions)
