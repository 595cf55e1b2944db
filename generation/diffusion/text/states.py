"""The states of a run's texts: made once for each text, kept beside the run, and taken from there when it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from generation.diffusion.text.condition import TextCondition, check_size, distinct_texts
from generation.diffusion.text.encoder import TextEncoder
from generation.diffusion.text.encoder_folder import read_folder

FILE = "text.safetensors"
STATES, KEY = "states", "of"
AT_ONCE = 64  # texts between two looks at who waits


@dataclass(frozen=True)
class TextStates:
    """(texts + 1, tokens, width), the last one of no text, and of each image which it has."""

    states: NDArray[np.float32]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str], encode: Callable[[list[str]], NDArray[np.float32]]) -> Self:
        """Of each image's text, "" where it has none; `encode` gets every other text once."""
        distinct = distinct_texts(texts)
        numbers = {text: place for place, text in enumerate(distinct)}
        states = encode(distinct)
        null_state = np.zeros((1, *states.shape[1:]), dtype=np.float32)
        places = np.array([numbers.get(text, len(distinct)) for text in texts], dtype=np.int64)
        return cls(np.concatenate([states, null_state]), places)


def states_for(
    condition: TextCondition,
    texts: Sequence[str],
    encoder: Path,
    run: Path,
    device: torch.device,
    *,
    tell: Callable[[str], None],
) -> TextStates:
    """From the run's folder where they lie there, else made and laid there. Raises ConfigError."""
    return TextStates.of(
        texts, lambda distinct: _stored_states(condition, distinct, encoder, run, device, tell=tell)
    )


def _stored_states(
    condition: TextCondition,
    texts: list[str],
    encoder: Path,
    run: Path,
    device: torch.device,
    *,
    tell: Callable[[str], None],
) -> NDArray[np.float32]:
    words = json.dumps([condition.sha256, condition.tokens, texts])
    key, file = hashlib.sha256(words.encode()).hexdigest(), run / FILE
    states = _read(file, key)
    if states is None:
        check_size(len(texts), condition)
        tell("Reading the texts")
        model = TextEncoder(read_folder(encoder), condition, device)
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            parts.append(model.states(texts[start : start + AT_ONCE]))
            tell(f"Reading the texts, {min(start + AT_ONCE, len(texts)):,} of {len(texts):,}")
        states = np.concatenate(parts) if parts else model.states([])
        part = run / f".{FILE}.part"
        run.mkdir(parents=True, exist_ok=True)
        save_file({STATES: states}, part, metadata={KEY: key})
        part.replace(file)
    return states


def _read(file: Path, key: str) -> NDArray[np.float32] | None:
    """None where the file is not there, damaged, or of other texts."""
    try:
        with safe_open(file, "numpy") as stored:
            if (stored.metadata() or {}).get(KEY) != key:
                return None
            return np.asarray(stored.get_tensor(STATES), dtype=np.float32)
    except (OSError, SafetensorError):
        return None
