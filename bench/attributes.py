"""Whether a model draws what it is told: phantoms with two attributes are learned, drawn as told, and measured back.

A plate as bright as its *density* says lies in the left or the right half as its *side* says. `python bench/attributes.py
--steps 3000` trains on them and prints, over the samples of each told value, how often the plate lies on its side, and
the density measured against the density told; once more with both attributes hidden at every step (dropout 1), where
neither may follow what is told.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generation.diffusion.attributes import Attribute, codes
from generation.diffusion.config import TrainingConfig
from generation.diffusion.run import TrainingImages
from generation.diffusion.sampling.guidance import Guidance
from generation.diffusion.sampling.sampler import sample
from generation.diffusion.trainer import Trainer

SIDE = Attribute("side", ("left", "right"))
DENSITY = Attribute("density", low=50, high=200)
DENSITIES = (65, 95, 125, 155, 185)


def phantoms(config: TrainingConfig, *, count: int = 512) -> TrainingImages:
    """Plates of random density and side, with both told."""
    dice = np.random.default_rng(0)
    densities, sides = dice.uniform(50, 200, count), dice.integers(0, 2, count)
    pixels = np.zeros((count, config.size, config.size), dtype=np.uint8)
    half = config.size // 2
    rows = []
    for image, density, side in zip(pixels, densities, sides, strict=True):
        image[:, side * half : (side + 1) * half] = int(density)
        rows.append(codes(config.attributes, {"side": SIDE.values[side], "density": str(density)}))
    return TrainingImages(pixels, attributes=np.array(rows, dtype=np.float32))


def measured(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 2): the mean of each image's left and right half."""
    half = images.shape[2] // 2
    return np.stack([images[:, :, :half].mean(axis=(1, 2)), images[:, :, half:].mean(axis=(1, 2))], axis=1)


def learned(steps: int, batch: int, dropout: float, device: torch.device) -> Trainer:
    config = TrainingConfig(
        size=16,
        widths=(16, 32),
        learning_rate=2e-3,
        steps=steps,
        batch=batch,
        ema_decay=0.99,
        attributes=tuple(replace(own, dropout=dropout) for own in (SIDE, DENSITY)),
    )
    trainer = Trainer(config, phantoms(config), device=device)
    for _ in range(steps):
        trainer.train_step()
    return trainer


def compared(trainer: Trainer, *, count: int, scale: float) -> dict[str, float]:
    """What was told and what was measured, over every combination."""
    right_side, densities, measured_densities = [], [], []
    guidance = Guidance(of_attributes=(scale, scale)) if scale != 1 else 1.0
    for number, (side, density) in enumerate(product((0, 1), DENSITIES)):
        # Seeds of its own: with the same ones, what ignores the side would be right on exactly half.
        seeds = range(number * count, (number + 1) * count)
        codes_of_all = np.array([[side, DENSITY.code(str(density))]] * count, dtype=np.float32)
        halves = measured(
            sample(trainer.averaged, seeds, attributes=codes_of_all, steps=20, guidance=guidance)
        )
        right_side += list(halves.argmax(axis=1) == side)
        densities += [density] * count
        measured_densities += list(halves.max(axis=1))
    errors = np.array(measured_densities) - densities
    low, high = proportion_confint(sum(right_side), len(right_side), method="wilson")
    return {
        "samples": len(densities),
        "share on the side told": float(np.mean(right_side)),
        "its 95 % interval, from": float(low),
        "its 95 % interval, to": float(high),
        "correlation of density": float(np.corrcoef(densities, measured_densities)[0, 1]),
        "mean error of density": float(errors.mean()),
        "root mean square error of density": float(np.sqrt((errors**2).mean())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--dropout", type=float, nargs="+", default=(0.1, 1.0), help="an arm for each")
    parser.add_argument("--count", type=int, default=50, help="samples of each combination")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)  # for so small a network several would mostly wait for each other
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    for dropout in options.dropout:
        trainer = learned(options.steps, options.batch, dropout, device)
        for scale in (1.0, 2.0) if dropout < 1 else (1.0,):
            row = {"device": name, "steps": options.steps, "dropout": dropout, "guidance": scale}
            print(json.dumps(row | compared(trainer, count=options.count, scale=scale)), flush=True)


if __name__ == "__main__":
    main()
