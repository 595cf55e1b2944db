"""Studies of simulated raters as columns, with known sensitivity and bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from rating.statistics.columns import StudyColumns

REAL, FAKE, UNSURE = 0, 1, 2


def simulated(
    raters: int = 3,
    images: int = 40,
    *,
    missing: float = 0.0,
    fakes: float = 0.5,
    right: float = 0.7,
    only: int | None = None,
    seed: int = 1,
) -> StudyColumns:
    """Raters who are right with probability `right`, whatever the truth; `only`: one label for all."""
    rng = np.random.default_rng(seed)
    truth = (np.arange(images) < fakes * images).astype(np.int64)
    rater, image = np.nonzero(rng.random((raters, images)) >= missing)
    label = np.where(rng.random(len(rater)) < right, truth[image], 1 - truth[image])
    label = np.full_like(label, only) if only is not None else label
    position = np.ones(len(rater), dtype=np.int64)
    for one in range(raters):
        position[rater == one] = rng.permutation(int((rater == one).sum())) + 1
    made_by = [f"generator {at % 2}" if fake else "" for at, fake in enumerate(truth)]
    columns: dict[str, Any] = {
        "raters": tuple(f"R{at:02}" for at in range(1, raters + 1)),
        "years": np.arange(raters) * 2 - 1,
        "knowledge": tuple(("none", "used", "")[at % 3] for at in range(raters)),
        "subspecialty": tuple(("chest", "")[at % 2] for at in range(raters)),
        "images": tuple(f"I{at:04}" for at in range(images)),
        "modality": tuple(("xray", "ct")[at % 2] for at in range(images)),
        "truth": tuple(("real", "fake")[fake] for fake in truth),
        "finding": ("",) * images,
        "generator": tuple(made_by),
        "checkpoint": tuple(f"{name}, step {at % 4}" if name else "" for at, name in enumerate(made_by)),
        "fid": np.where(truth == FAKE, 20.0 + np.arange(images) % 4, np.nan),
        "kid": np.full(images, np.nan),
        "machine_auc": np.where(truth == FAKE, 0.9, np.nan),
        "rater": rater,
        "image": image,
        "session": np.ones(len(rater), dtype=np.int64),
        "kind": np.zeros(len(rater), dtype=np.int64),
        "position": position,
        "label": label.astype(np.int8),
        "letter_order": np.zeros(len(rater), dtype=np.int64),
        "confidence": rng.integers(1, 6, len(rater)),
        "active_ms": rng.integers(500, 9000, len(rater)),
        "has_text": rng.random(len(rater)) < 0.5,
    }
    return StudyColumns(**columns)
