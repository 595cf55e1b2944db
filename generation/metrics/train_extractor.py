"""`python -m generation.metrics.train_extractor`: draw phantoms, learn features from them, write the small extractor.

No patient's image takes part: weights can give back what they were trained on, and these travel with the program.
The network learns three things at once: to know a drawing again after it was moved a little (Chen et al. 2020,
SimCLR), what a drawing shows, and what was done to it and how strongly (generation/metrics/damage.py).
"""

from __future__ import annotations

import argparse
import os
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from generation.features import SHIPPED
from generation.features.small_network import DIMENSIONS, SIDE, SmallNetwork
from generation.metrics.damage import DAMAGES, damaged, moved
from generation.phantoms import DRAWINGS, LABELS, draw

# Far from the seeds of the demo and of the shipped model.
SEEDS_FROM = 20_000_000
DRAWN_AT = 128
TEMPERATURE = 0.2


class Lessons(nn.Module):
    """The network with the heads that are thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SmallNetwork()
        self.same = nn.Sequential(nn.Linear(DIMENSIONS, 64), nn.ReLU(), nn.Linear(64, 32))
        self.kind = nn.Linear(DIMENSIONS, len(DRAWINGS) * len(LABELS))
        self.damage = nn.Linear(DIMENSIONS, len(DAMAGES))
        self.strength = nn.Linear(DIMENSIONS, len(DAMAGES))

    def loss(self, images: Tensor, kinds: Tensor, generator: torch.Generator) -> Tensor:
        """Of one batch of drawings, each seen twice whole and once damaged."""
        count = len(images)
        damages = torch.randint(1, len(DAMAGES), (count,), generator=generator)
        strengths = torch.rand(count, generator=generator)
        spoilt = damaged(moved(images, SIDE, generator), damages, strengths, generator)
        views = torch.cat([moved(images, SIDE, generator), moved(images, SIDE, generator), spoilt])
        features = self.network(views)
        done = torch.cat([torch.zeros(2 * count, dtype=torch.long), damages])
        guessed = self.strength(features[2 * count :]).gather(1, damages.unsqueeze(1)).squeeze(1)
        return (
            _contrastive_loss(self.same(features[: 2 * count]))
            + functional.cross_entropy(self.kind(features[: 2 * count]), kinds.repeat(2))
            + functional.cross_entropy(self.damage(features), done)
            + 4 * functional.mse_loss(guessed, strengths)
        )


def _contrastive_loss(views: Tensor) -> Tensor:
    """NT-Xent: of all views in the batch, the other one of the same drawing is the nearest."""
    count = len(views) // 2
    unit = functional.normalize(views, dim=1)
    similarities = (unit @ unit.T / TEMPERATURE).fill_diagonal_(-1e9)
    partner = torch.cat([torch.arange(count) + count, torch.arange(count)])
    return functional.cross_entropy(similarities, partner)


def draw_images(per_class: int) -> tuple[Tensor, Tensor]:
    """Phantoms (n, 1, 128, 128) from 0 to 1 and the class of each, drawn on all cores."""
    classes = [(modality, label) for modality in DRAWINGS for label in LABELS]
    jobs = [(seed, *kind) for seed in range(SEEDS_FROM, SEEDS_FROM + per_class) for kind in classes]
    with get_context("spawn").Pool(os.cpu_count()) as pool:  # not fork: torch has threads
        images = pool.imap(_draw, jobs, chunksize=8)
        pixels = np.stack(list(tqdm(images, total=len(jobs), desc="Drawing phantoms", unit="image")))
    kinds = torch.tensor([classes.index((modality, label)) for _, modality, label in jobs])
    return torch.from_numpy(pixels).unsqueeze(1).float() / 255, kinds


def _draw(job: tuple[int, str, str]) -> NDArray[np.uint8]:
    seed, modality, label = job
    return draw(modality, label=label, seed=seed, size=DRAWN_AT)


def learn(images: Tensor, kinds: Tensor, *, steps: int, batch: int, seed: int) -> SmallNetwork:
    """The network after `steps` batches."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    lessons = Lessons()
    optimiser = torch.optim.AdamW(lessons.parameters(), lr=2e-3, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    with tqdm(total=steps, desc="Training", unit="step") as bar:
        for _ in range(steps):
            rows = torch.randint(len(images), (batch,), generator=generator)
            loss = lessons.loss(images[rows], kinds[rows], generator)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships no type for it
            optimiser.step()
            plan.step()
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return lessons.network.eval()


@torch.no_grad()
def evened_out(network: SmallNetwork, images: Tensor, *, seed: int) -> SmallNetwork:
    """The same network with every feature at mean 0 and spread 1 over whole and damaged drawings."""
    generator = torch.Generator().manual_seed(seed + 1)
    damages = torch.randint(len(DAMAGES), (len(images),), generator=generator)
    spoilt = damaged(
        moved(images, SIDE, generator), damages, torch.rand(len(images), generator=generator), generator
    )
    features = torch.cat([network(part) for part in torch.split(spoilt, 64)])
    mean, std = features.mean(0), features.std(0).clamp(min=1e-3)
    last = network.features
    last.weight.copy_(last.weight / std.unsqueeze(1))
    last.bias.copy_((last.bias - mean) / std)
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-class", type=int, default=100, help="phantoms to draw of each class")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    images, kinds = draw_images(options.per_class)
    network = learn(images, kinds, steps=options.steps, batch=options.batch, seed=options.seed)
    state = evened_out(network, images, seed=options.seed).state_dict()
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in half.items()}, options.out)
    tqdm.write(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
