"""How fast a model is trained, against the loop of diffusers' example script on the same files.

    python bench/training.py [--json] [--preset tiny] [--batch 32] [--seconds 20] [--rounds 3]
                             [--precision fp32|bf16] [--compile] [--decoded] [--own-network]
                             [--folder FOLDER]

The same UNet and batch for all; each measurement is a process of its own, in turn, and the median of the
rounds counts. `ours` and `diffusers_example` run in the precision asked for; `diffusers_example_defaults` as
the script ships, in fp32; with --compile `ours` is compiled, `diffusers_example_compiled` too, and `ours_uncompiled`
is not; with --own-network the example also trains the UNet it ships with. The files are full-size PNGs, which the
example's loader decodes at each use; ours reads them once before the clock starts, and says how long that took; with
--decoded the example's loader holds them decoded too, so that the loops alone are compared. Processor time for an
image says more than images a second on a machine that is not left alone. Also says which share of
the training the writing of a checkpoint is, at the preset's `checkpoint_every`. Needs torch, diffusers, accelerate,
numpy, Pillow and tqdm; runs on the GPU where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
WARM_UP = 3


def main() -> None:
    options = arguments()
    if options.arm:
        print(json.dumps(measured(options)))
        return
    with tempfile.TemporaryDirectory(prefix="lungrater-bench-") as place:
        if options.folder is None:
            draw_files(Path(place), options.files, options.side)
        else:
            as_png(options.folder, Path(place))
        rounds = [
            {arm: in_own_process(arm, Path(place)) for arm in arms(options)} for _ in range(options.rounds)
        ]
    report = summary(rounds)
    print(json.dumps(report) if options.json else as_table(report))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings of ours")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--decoded", action="store_true", help="the example's files are decoded beforehand")
    parser.add_argument("--own-network", action="store_true")
    parser.add_argument("--workers", type=int, default=0, help="of the example's loader (it ships with 0)")
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--side", type=int, default=1024, help="of the drawn files, in pixels")
    parser.add_argument("--folder", type=Path, help="images to train on instead of drawn ones")
    parser.add_argument("--only", nargs="*", help="these measurements alone")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def arms(options: argparse.Namespace) -> list[str]:
    names = ["ours", "diffusers_example", "diffusers_example_defaults"]
    names += ["ours_uncompiled", "diffusers_example_compiled"] if options.compile else []
    names += ["diffusers_example_own_network"] if options.own_network else []
    return [name for name in names if not options.only or name in options.only]


def draw_files(place: Path, count: int, side: int) -> None:
    """Soft shapes with a little grain, which PNG packs about as well as an X-ray."""
    import numpy as np
    from PIL import Image

    dice = np.random.default_rng(0)
    for number in range(count):
        rough = Image.fromarray(dice.integers(0, 256, (8, 8), dtype=np.uint8))
        soft = np.asarray(rough.resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
        grain = dice.integers(-3, 4, (side, side), dtype=np.int16)
        Image.fromarray((soft + grain).clip(0, 255).astype(np.uint8)).save(place / f"{number:05d}.png")


def as_png(folder: Path, place: Path) -> None:
    from PIL import Image

    from generation.diffusion.data.image_folder import KINDS

    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in KINDS:
            with Image.open(path) as image:
                image.convert("L").save(place / f"{path.stem}.png", compress_level=1)


def in_own_process(arm: str, place: Path) -> dict[str, Any]:
    words = [*sys.argv[1:], "--arm", arm, "--place", str(place)]
    done = subprocess.run(
        [sys.executable, __file__, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """One arm in this process."""
    import torch

    from generation.diffusion.config import TrainingConfig, settings_from
    from generation.diffusion.run import peak_memory

    settings = settings_from(options.set)
    config = TrainingConfig.from_mapping(
        {"preset": options.preset, "batch": options.batch, "precision": options.precision, **settings}
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    before = peak_memory(device)
    ours = options.arm.startswith("ours")
    compiled = options.compile and options.arm == "ours"
    make = our_steps if ours else their_steps
    counter = Counter()
    facts: dict[str, Any] = {}
    steps = make(options, config, compiled, counter, facts)
    began = time.monotonic()
    for _ in range(WARM_UP):
        next(steps)
    synchronise(device)
    facts["warm_up_s"] = round(time.monotonic() - began, 2)
    began, taken, worked = time.monotonic(), 0, time.process_time()
    while time.monotonic() - began < options.seconds or taken < 3:
        next(steps)
        taken += 1
    synchronise(device)
    seconds, worked = time.monotonic() - began, time.process_time() - worked
    peak = peak_memory(device)
    with counter:
        next(steps)
    steps.close()
    if "checkpoint_s" in facts:
        facts["checkpoint_share"] = facts["checkpoint_s"] / (config.checkpoint_every * seconds / taken)
    return {
        "images_per_s": taken * config.batch / seconds,
        "cpu_ms_per_image": 1000 * worked / (taken * config.batch),
        "peak_mb": peak,
        "peak_growth_mb": peak - before,
        "ops": counter.rest,
        "device": torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"cpu, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        **facts,
    }


def synchronise(device: Any) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()


def our_steps(
    options: argparse.Namespace, config: Any, compiled: bool, counter: Counter, facts: dict[str, Any]
) -> Generator[None, None, None]:
    import dataclasses

    from generation.diffusion.data.image_folder import images_in
    from generation.diffusion.run import LOOK_EVERY
    from generation.diffusion.trainer import Trainer

    config = dataclasses.replace(config, compile=compiled, steps=10**9)
    began = time.monotonic()
    images = images_in(options.place, config)
    facts["reading_s"] = round(time.monotonic() - began, 2)
    trainer = Trainer(config, images)
    counter.leave_out(trainer)
    pace = LOOK_EVERY if trainer.device.type == "cuda" else 1
    try:
        while True:
            loss = trainer.train_step()
            if trainer.step % pace == 0:
                loss.item()
            yield
    finally:
        synchronise(trainer.device)
        began = time.monotonic()
        trainer.save(options.place / "checkpoint")
        facts["checkpoint_s"] = time.monotonic() - began


def their_steps(
    options: argparse.Namespace, config: Any, _compiled: bool, counter: Counter, _facts: dict[str, Any]
) -> Generator[None, None, None]:
    import torch
    from diffusers import UNet2DModel

    from bench.example_loop import Files, example_steps
    from generation.diffusion.networks.network import Denoiser

    class SameNetwork(torch.nn.Module):
        """Ours as it comes out of diffusers: nothing done to how it lies in memory."""

        def __init__(self) -> None:
            super().__init__()
            self.unet = Denoiser(config).unet

        def forward(self, noisy: Any, times: Any) -> Any:
            folded = torch.nn.functional.pixel_unshuffle(noisy, config.patch)
            predicted = self.unet(folded, times, class_labels=None).sample
            return torch.nn.functional.pixel_shuffle(predicted, config.patch)

    class OwnNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            plain = ("DownBlock2D",) * 4, ("UpBlock2D",) * 4
            unet: Any = UNet2DModel
            self.unet = unet(
                sample_size=config.size,
                in_channels=config.channels,
                out_channels=config.channels,
                layers_per_block=2,
                block_out_channels=(128, 128, 256, 256, 512, 512),
                down_block_types=(*plain[0], "AttnDownBlock2D", "DownBlock2D"),
                up_block_types=("UpBlock2D", "AttnUpBlock2D", *plain[1]),
            )

        def forward(self, noisy: Any, times: Any) -> Any:
            return self.unet(noisy, times).sample

    shipped = options.arm not in {"diffusers_example", "diffusers_example_compiled"}
    own = options.arm.endswith("own_network")
    yield from (
        None
        for _ in example_steps(
            OwnNetwork() if own else SameNetwork(),
            Files(options.place, config.size, config.channels, decoded=options.decoded),
            batch=config.batch,
            compiled=options.arm.endswith("compiled"),
            mixed_precision="bf16" if options.precision == "bf16" and not shipped else "no",
            workers=options.workers,
            watched=counter.watch,
        )
    )


class Counter:
    """Counts the operations torch runs outside the model's forward and backward pass; views are none."""

    # Views, and what the profiler notes.
    NO_WORK = (
        "record_function_enter_new",
        "record_function_exit",
        "lift_fresh",
        "view",
        "expand",
        "slice",
        "select",
        "unsqueeze",
        "squeeze",
        "permute",
        "t",
        "detach",
        "alias",
        "as_strided",
        "unbind",
        "split",
        "reshape",
    )

    def __init__(self) -> None:
        self.rest, self.part = 0, "rest"
        self.mode: Any = None

    def watch(self, part: str) -> None:
        self.part = part

    def leave_out(self, trainer: Any) -> None:
        """Do not count the forward and the backward pass of a Trainer of ours."""

        def watched(work: Callable[..., Any]) -> Callable[..., Any]:
            def run(*words: Any) -> Any:
                self.watch("model")
                try:
                    return work(*words)
                finally:
                    self.watch("rest")

            return run

        trainer._predict, trainer._backward = watched(trainer._predict), watched(trainer._backward)

    def __enter__(self) -> Counter:
        from torch.utils._python_dispatch import TorchDispatchMode

        counter = self
        base: Any = TorchDispatchMode  # untyped

        class Mode(base):  # type: ignore[misc]  # as its base is untyped
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                name = func.__name__.split(".")[0].lstrip("_")
                if counter.part == "rest" and name not in counter.NO_WORK:
                    counter.rest += 1
                return func(*args, **(kwargs or {}))

        self.mode = Mode()
        self.mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.mode.__exit__(*error)


def summary(rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    failed = {
        arm: measures["failed"] for one in rounds for arm, measures in one.items() if "failed" in measures
    }
    names = [name for name in rounds[0] if name not in failed]

    def median(key: str) -> dict[str, float]:
        return {n: round(statistics.median(one[n][key] for one in rounds), 2) for n in names}

    first = rounds[0][names[0]] if names else {}
    return {
        "device": first.get("device"),
        "torch": first.get("torch"),
        "images_per_s": median("images_per_s"),
        "cpu_ms_per_image": median("cpu_ms_per_image"),
        "peak_mb": median("peak_mb"),
        "peak_growth_mb": median("peak_growth_mb"),
        "non_model_ops_per_step": rounds[0]["ours"]["ops"] if "ours" in names else None,
        "non_model_ops": {name: rounds[0][name]["ops"] for name in names},
        "warm_up_s": {name: rounds[0][name]["warm_up_s"] for name in names},
        "reading_s": {name: rounds[0][name]["reading_s"] for name in names if "reading_s" in rounds[0][name]},
        "all_images_per_s": {n: [round(one[n]["images_per_s"], 2) for one in rounds] for n in names},
        "checkpoint": {
            name: {key: round(rounds[0][name][key], 4) for key in ("checkpoint_s", "checkpoint_share")}
            for name in names
            if "checkpoint_s" in rounds[0][name]
        },
        **({"failed": failed} if failed else {}),
    }


def as_table(report: dict[str, Any]) -> str:
    lines = [f"{report['device']}, torch {report['torch']}", ""]
    lines.append(f"{'':<32}{'images/s':>10}{'of ours':>10}{'cpu ms/image':>14}{'peak MB':>10}{'ops':>8}")
    ours = report["images_per_s"].get("ours")
    for name, speed in report["images_per_s"].items():
        times = f"{ours / speed:.2f}x" if ours else ""
        memory, ops = report["peak_mb"][name], report["non_model_ops"][name]
        worked = report["cpu_ms_per_image"][name]
        lines.append(f"{name:<32}{speed:>10.1f}{times:>10}{worked:>14.1f}{memory:>10.0f}{ops:>8}")
    lines += [
        f"{name}: a checkpoint takes {of['checkpoint_s']:.2f} s, {of['checkpoint_share']:.2%} of the training"
        for name, of in report["checkpoint"].items()
    ]
    lines += [f"{name}: {' '.join(words)}" for name, words in report.get("failed", {}).items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
