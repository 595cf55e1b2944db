"""Whether a model draws what it is told in words: phantoms with a text each are learned, drawn by text, and measured back.

“a bright plate in the left half” lies there and is as bright as its word says. `python bench/texts.py --steps 1200` trains a
UNet and a transformer on them, told by a frozen BERT of random weights, and prints over the samples of each text how often
the plate lies in the half told, and how often its grey level is nearest to that of its word; once more with the text
hidden at every step (dropout 1), where neither may follow it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.attributes import measured
from generation.diffusion.config import TrainingConfig
from generation.diffusion.run import TrainingImages
from generation.diffusion.sampling.sampler import sample
from generation.diffusion.text.condition import TextCondition
from generation.diffusion.text.encoder import TextEncoder
from generation.diffusion.text.encoder_folder import read_folder
from generation.diffusion.text.states import TextStates
from generation.diffusion.trainer import Trainer

SIDES = ("left", "right")
LEVELS = {"faint": 60, "grey": 120, "bright": 180}
WORDS = ("a", "plate", "in", "the", "half", *SIDES, *LEVELS)
NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {"widths": (16, 32)},
    "transformer": {"network": "transformer", "patch": 2, "depth": 4, "width": 64, "heads": 4},
}
SPREAD = 15  # of the grey levels under one word


def text_of(level: str, side: str) -> str:
    return f"a {level} plate in the {side} half"


def save_encoder(folder: Path) -> Path:
    """A BERT of two layers with random weights, which keeps texts apart and knows nothing of them."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    torch.manual_seed(0)
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    words: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    fast: Any = transformers.PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16)
    tokenizer.save_pretrained(folder)
    small: Any = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    config: Any = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=16, **small)
    bert: Any = transformers.BertModel(config)
    bert.save_pretrained(folder)
    return folder


def phantoms(size: int, *, count: int = 512) -> tuple[NDArray[np.uint8], list[str]]:
    """Plates of random level and side, and what each is called."""
    dice = np.random.default_rng(0)
    pixels, texts = np.zeros((count, size, size), dtype=np.uint8), []
    half = size // 2
    for image in pixels:
        side, level = int(dice.integers(2)), str(dice.choice(list(LEVELS)))
        image[:, side * half : (side + 1) * half] = LEVELS[level] + dice.integers(-SPREAD, SPREAD + 1)
        texts.append(text_of(level, SIDES[side]))
    return pixels, texts


def learned(
    network: str, dropout: float, encoder: Path, *, steps: int, batch: int, device: torch.device
) -> tuple[Trainer, TextEncoder]:
    folder = read_folder(encoder)
    text = TextCondition(folder.name, folder.sha256, folder.width, tokens=8, dropout=dropout)
    config = TrainingConfig(
        size=16, learning_rate=2e-3, steps=steps, batch=batch, ema_decay=0.99, text=text, **NETWORKS[network]
    )
    reader = TextEncoder(folder, text, device)
    pixels, texts = phantoms(config.size)
    trainer = Trainer(config, TrainingImages(pixels), device=device, text=TextStates.of(texts, reader.states))
    for _ in range(steps):
        trainer.train_step()
    return trainer, reader


def compared(trainer: Trainer, reader: TextEncoder, *, count: int) -> dict[str, float]:
    """What was told and what was measured, over every text."""
    right_side, right_level = [], []
    levels = np.array(list(LEVELS.values()))
    for number, (level, side) in enumerate(product(LEVELS, SIDES)):
        seeds = range(number * count, (number + 1) * count)
        states = reader.states([text_of(level, side)] * count)
        halves = measured(sample(trainer.averaged, seeds, text=states, steps=20))
        right_side += list(halves.argmax(axis=1) == SIDES.index(side))
        nearest = np.abs(halves.max(axis=1)[:, None] - levels).argmin(axis=1)
        right_level += list(levels[nearest] == LEVELS[level])
    row: dict[str, float] = {"samples": len(right_side)}
    for name, hits in (("side", right_side), ("level", right_level)):
        low, high = proportion_confint(sum(hits), len(hits), method="wilson")
        row |= {
            f"{name} as told": float(np.mean(hits)),
            f"{name}, from": float(low),
            f"{name}, to": float(high),
        }
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--dropout", type=float, nargs="+", default=(0.1, 1.0), help="an arm for each")
    parser.add_argument("--count", type=int, default=20, help="samples of each text")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=tuple(NETWORKS))
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)  # for so small a network several would mostly wait for each other
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        encoder = save_encoder(Path(folder) / "random-bert")
        for network, dropout in product(options.networks, options.dropout):
            trainer, reader = learned(
                network, dropout, encoder, steps=options.steps, batch=options.batch, device=device
            )
            row = {"device": name, "network": network, "steps": options.steps, "dropout": dropout}
            print(json.dumps(row | compared(trainer, reader, count=options.count)), flush=True)


if __name__ == "__main__":
    main()
