"""The loop of diffusers' example train_unconditional.py with its own defaults, for bench/training.py to compare with.

Written after the published script (huggingface/diffusers, examples/unconditional_image_generation): its data
loader that decodes, resizes, crops and flips each file when it is asked for, its DDPM schedule, AdamW, cosine
rate with warm-up, EMAModel, accelerate and the logs of every step. torchvision's transforms are redone with
Pillow and torch, as that library need not be there; nothing else is left out or made slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from diffusers import DDPMScheduler
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from PIL import Image
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

EPOCHS = 100


class Files(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Resize, CenterCrop, RandomHorizontalFlip, ToTensor, Normalize([0.5], [0.5]) of each file, when asked for."""

    def __init__(self, folder: Path, size: int, channels: int, *, decoded: bool = False) -> None:
        self.paths, self.size, self.channels = sorted(folder.glob("*.png")), size, channels
        # What the script does not do: its files read and resized once, before the clock starts.
        self.squares = [self._square(path) for path in self.paths] if decoded else None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        cut = self.squares[index] if self.squares else self._square(self.paths[index])
        if torch.rand(1) < 0.5:
            cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        values = torch.from_numpy(np.array(cut)).view(self.size, self.size, self.channels)
        return {"input": values.permute(2, 0, 1).contiguous().float().div(255).sub(0.5).div(0.5)}

    def _square(self, path: Path) -> Image.Image:
        with Image.open(path) as file:
            image = file.convert("RGB" if self.channels == 3 else "L")
        scale = self.size / min(image.size)
        resized = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR
        )
        left, top = (resized.width - self.size) // 2, (resized.height - self.size) // 2
        return resized.crop((left, top, left + self.size, top + self.size))


def example_steps(
    model: Any,
    files: Files,
    *,
    batch: int,
    mixed_precision: str = "no",
    workers: int = 0,
    compiled: bool = False,
    watched: Callable[[str], None] = lambda _part: None,
) -> Iterator[float]:
    """One loss a step, for ever; `watched` is told when the model's part of a step begins and ends."""
    accelerator = Accelerator(gradient_accumulation_steps=1, mixed_precision=mixed_precision)
    averaged: Any = EMAModel(model.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    weight_dtype = {"no": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[mixed_precision]
    ddpm: Any = DDPMScheduler  # untyped
    schedule = ddpm(num_train_timesteps=1000, beta_schedule="linear")
    optimizer: Any = torch.optim.AdamW(
        model.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8
    )
    loader: Any = torch.utils.data.DataLoader(files, batch_size=batch, shuffle=True, num_workers=workers)
    rate: Any = get_scheduler(
        "cosine", optimizer=optimizer, num_warmup_steps=500, num_training_steps=len(loader) * EPOCHS
    )
    model, optimizer, loader, rate = accelerator.prepare(model, optimizer, loader, rate)
    averaged.to(accelerator.device)
    if compiled:
        model = torch.compile(model)
    step = 0
    while True:
        model.train()
        bar = tqdm(total=len(loader), disable=not accelerator.is_local_main_process, leave=False)
        for held in loader:
            clean = held["input"].to(weight_dtype)
            noise = torch.randn(clean.shape, dtype=weight_dtype, device=clean.device)
            times = torch.randint(0, 1000, (clean.shape[0],), device=clean.device).long()
            noisy = schedule.add_noise(clean, noise, times)
            with accelerator.accumulate(model):
                watched("model")
                predicted = model(noisy, times)
                watched("rest")
                loss = functional.mse_loss(predicted.float(), noise.float())
                watched("model")
                accelerator.backward(loss)
                watched("rest")
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                rate.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                averaged.step(model.parameters())
                bar.update(1)
                step += 1
            logs = {"loss": loss.detach().item(), "lr": rate.get_last_lr()[0], "step": step}
            logs["ema_decay"] = averaged.cur_decay_value
            bar.set_postfix(**logs)
            accelerator.log(logs, step=step)
            yield float(logs["loss"])
        bar.close()
