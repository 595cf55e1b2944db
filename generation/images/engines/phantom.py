"""The phantom engine: images drawn by a program, for tests and the demo, never to be taken for a patient's."""

from __future__ import annotations

from collections.abc import Sequence

from generation.diffusion.sampling.seeds import seed_of
from generation.images.engines.protocol import Answers, EngineError, EngineImage, GenerationRequest
from generation.phantoms import DRAWINGS, LABELS, draw

SIZES = range(32, 2049)
DEFAULT_SIZE = 256


class PhantomEngine:
    def generate(self, request: GenerationRequest, indices: Sequence[int]) -> Answers:
        label = request.label or "normal"
        size = int(request.settings.get("size", DEFAULT_SIZE))
        if request.modality not in DRAWINGS:
            raise EngineError(f"Phantoms are drawn for {' and '.join(DRAWINGS)}, not for {request.modality}.")
        if label not in LABELS:
            raise EngineError(f"Phantoms are labelled {' or '.join(LABELS)}, not {label}.")
        if size not in SIZES:
            raise EngineError(f"A phantom's size is from {SIZES.start} to {SIZES.stop - 1} pixels.")
        for index in indices:
            request.heartbeat()
            request.may_stop()
            seed = seed_of(request.seed, index)
            pixels = draw(request.modality, seed=seed, label=label, size=size)
            yield EngineImage(index, seed, pixels, {"engine": "phantom", "model": "phantom-1", "size": size})
