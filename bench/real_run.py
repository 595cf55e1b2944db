"""Train on a folder of images for so many seconds and leave what the model makes; no site, no database.

    python bench/real_run.py FOLDER --out OUT [--preset paper-256] [--seconds 300] [--batch 32]
                             [--precision bf16] [--compile] [--grid 64] [--set key=value …] [--keep-weights]

The first steps are timed, and the number of steps, and with it the fall of the learning rate, is set to what
the seconds allow. OUT gets samples-STEP.png (the same seeds at each checkpoint), grid.png, real.png, loss.csv,
loss.png and report.json. Needs torch, diffusers, accelerate, numpy, Pillow and safetensors.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
UNKNOWN = 10**9  # steps, until the first ones are timed
TIMED = 20
GRID_STEPS = 50


def main() -> None:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lungrater-run-") as place:
        report = trained(options, Path(place))
    (options.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", default="paper-256")
    parser.add_argument("--seconds", type=float, default=300.0, help="of training, after the first steps")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--grid", type=int, default=64, help="images made at the end")
    parser.add_argument("--checkpoints", type=int, default=6, help="how often samples are made on the way")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--keep-weights", action="store_true", help="leave the averaged weights in OUT too")
    return parser.parse_args()


def trained(options: argparse.Namespace, place: Path) -> dict[str, Any]:
    import torch

    from generation.diffusion import checkpoint
    from generation.diffusion.config import TrainingConfig, settings_from
    from generation.diffusion.data.image_folder import images_in
    from generation.diffusion.distributed_group import DistributedGroup
    from generation.diffusion.networks.autoencoder import space_for
    from generation.diffusion.run import CheckpointManager, steps
    from generation.diffusion.sampling.sampler import sample
    from generation.diffusion.trainer import Trainer

    settings = {"precision": options.precision, "compile": options.compile, **settings_from(options.set)}
    if options.batch:
        settings["batch"] = options.batch
    config = TrainingConfig.from_mapping({"preset": options.preset, **settings, "steps": UNKNOWN})
    began = time.monotonic()
    images = images_in(options.folder, config)
    reading = time.monotonic() - began
    group = DistributedGroup()
    trainer = Trainer(
        config, images, space=space_for(config, images, place, group.device, group), group=group
    )
    began = time.monotonic()
    [trainer.train_step() for _ in range(3)][-1].item()
    starting, began = time.monotonic() - began, time.monotonic()
    [trainer.train_step() for _ in range(TIMED)][-1].item()
    pace = (time.monotonic() - began) / TIMED
    count = trainer.step + max(TIMED, round(options.seconds / pace))
    every = math.ceil(count / options.checkpoints)
    trainer.config = dataclasses.replace(config, steps=count, checkpoint_every=every)

    curve: list[tuple[int, float, float]] = []
    last, began = None, time.monotonic()
    for progress in steps(trainer, CheckpointManager(trainer, place, None)):
        last = progress
        curve.append((progress.step, progress.loss, progress.learning_rate))
        if progress.note:
            print(progress.note, file=sys.stderr)
        if progress.samples is not None:
            save_grid(progress.samples, options.out / f"samples-{progress.step:08d}.png")
            print(
                f"step {progress.step} of {count}, loss {progress.loss:.4f}, "
                f"{progress.images_per_second:.1f} images/s",
                file=sys.stderr,
            )
    seconds = time.monotonic() - began

    write_curve(curve, options.out)
    samples = [
        sample(trainer.averaged, range(k, min(k + 16, options.grid)), steps=GRID_STEPS)
        for k in range(0, options.grid, 16)
    ]
    import numpy as np

    save_grid(np.concatenate(samples), options.out / "grid.png")
    save_grid(images.pixels[: options.grid], options.out / "real.png")
    if options.keep_weights and last is not None and last.checkpoint is not None:
        checkpoint.publish(
            last.checkpoint, options.out / "checkpoint", {"trained_on": f"{len(images.pixels)} images"}
        )
    cuda = trainer.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "images": len(images.pixels),
        "parameters": sum(weight.numel() for weight in trainer.weights),
        "steps": trainer.step,
        "seconds": round(seconds, 1),
        "images_per_s": round((count - TIMED - 3) * config.batch / seconds, 1),
        "images_per_s_of_steps_alone": round(config.batch / pace, 1),
        "reading_s": round(reading, 1),
        "starting_s": round(starting, 1),
        "peak_mb": round(last.memory_mb) if last is not None else None,
        "last_loss": curve[-1][1] if curve else None,
        "config": trainer.config.as_json(),
    }


def save_grid(images: Any, path: Path) -> None:
    """Side by side, as near to a square as their number allows."""
    import numpy as np
    from PIL import Image

    across = math.ceil(math.sqrt(len(images))) if len(images) > 8 else len(images)
    empty = np.zeros_like(images[0])
    rows = [list(images[k : k + across]) for k in range(0, len(images), across)]
    rows[-1] += [empty] * (across - len(rows[-1]))
    Image.fromarray(np.vstack([np.hstack(row) for row in rows])).save(path)


def write_curve(curve: list[tuple[int, float, float]], out: Path) -> None:
    """loss.csv, and loss.png drawn on a logarithmic axis."""
    from PIL import Image, ImageDraw

    with (out / "loss.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("step", "loss", "learning_rate"), *curve])
    width, height = 900, 360
    losses = [loss for _step, loss, _rate in curve if loss > 0 and math.isfinite(loss)]
    if len(losses) < 2:
        return
    low, high = math.log(min(losses)), math.log(max(losses))
    smooth, points = losses[0], []
    for number, loss in enumerate(losses):
        smooth += 0.05 * (loss - smooth)
        across = number * (width - 1) / (len(losses) - 1)
        points.append((across, (high - math.log(smooth)) / (high - low or 1) * (height - 1)))
    image = Image.new("L", (width, height), 255)
    ImageDraw.Draw(image).line(points, fill=0, width=2)
    image.save(out / "loss.png")


if __name__ == "__main__":
    main()
