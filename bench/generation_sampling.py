"""Images a second, ours against a plain diffusers loop with the same weights; needs no Django and no server.

What it runs on: torch, diffusers, numpy, pillow and safetensors; transformers too for the tiny pipeline.
"""

from __future__ import annotations

import copy
import gc
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
SHIPPED = Path(__file__).resolve().parent.parent / "generation" / "training" / "checkpoints" / "phantom-lungs"
TURNS = 3
DDPM_CALLS, DDPM_RUN = 1000, 5
HEUN_STEPS = 10  # 19 calls of the network: the last step needs one

Row = dict[str, Any]


def machine() -> Row:
    import diffusers
    import torch

    cuda = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "cuda": torch.version.cuda if cuda else None,
    }


def source_of(name: str, *, objective: str = "flow") -> Any:
    """The checkpoint that ships, or a network of a preset's size with random weights."""
    from generation.diffusion.checkpoint_source import CheckpointSource

    if name == "shipped":
        return CheckpointSource.from_path(SHIPPED)
    from safetensors.torch import save

    from generation.diffusion.checkpoint import Description
    from generation.diffusion.config import TrainingConfig
    from generation.diffusion.networks.network import build

    config = TrainingConfig.from_mapping({"preset": name, "objective": objective})
    net = build(config, seed=0)
    weights = save({name: value.contiguous() for name, value in net.state_dict().items()})
    return CheckpointSource(
        f"{name}-{objective}", name, Description(config, 0, {}).as_json(), lambda: weights
    )


def plain_net(net: Any, dtype: Any) -> Any:
    """The same weights as a plain script has them: in torch's own memory order."""
    import torch

    return copy.deepcopy(net).to(dtype).to(memory_format=torch.contiguous_format)


def plain_loop(net: Any, sampler: str, steps: int, batch: int, *, stop_after: int | None = None) -> None:
    """The loop of scheduler and network that diffusers' own pages teach."""
    import torch
    from torch.nn import functional

    from generation.diffusion.objectives import make_sampler

    config, weight = net.config, net.unet.conv_in.weight
    schedule = make_sampler(config, sampler)
    schedule.set_timesteps(steps, device=weight.device)
    shape = (batch, config.channels, config.size, config.size)
    noisy = torch.randn(shape, device=weight.device, dtype=weight.dtype)
    classes = torch.zeros(batch, dtype=torch.long, device=weight.device) if config.classes else None
    with torch.no_grad():
        for at in schedule.timesteps[:stop_after]:
            scaled = (
                schedule.scale_model_input(noisy, at) if hasattr(schedule, "scale_model_input") else noisy
            )
            folded = functional.pixel_unshuffle(scaled, config.patch)
            predicted = net.unet(folded, at.expand(batch), class_labels=classes).sample
            noisy = schedule.step(functional.pixel_shuffle(predicted, config.patch), at, noisy).prev_sample
    ((noisy.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()


def our_engine(source: Any, settings: Any, batch: int) -> None:
    from generation.diffusion.checkpoint import Description
    from generation.diffusion.checkpoint_source import CheckpointSource
    from generation.images.engines.diffusion import DiffusionEngine
    from generation.images.engines.protocol import GenerationRequest

    assert isinstance(source, CheckpointSource)
    classes = Description.from_json(source.description).config.classes
    modality, label = (classes[0].modality, classes[0].label) if classes else ("xray", "")
    request = GenerationRequest(modality, label, settings=settings, note=_refuse_failures)
    list(DiffusionEngine(source, batch=batch).generate(request, range(batch)))


class NotCompiledError(Exception):
    pass


def _refuse_failures(note: str) -> None:
    if "failed" in note:
        raise NotCompiledError(note)


def pace(make: Callable[[], None], images: int) -> float:
    """Images a second: warmed once, then the median of a few turns."""
    make()
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        make()
        times.append(time.perf_counter() - began)
    return round(images / statistics.median(times), 4)


def sampling(name: str, steps: int, batches: list[int], *, compiled: bool) -> Iterator[Row]:
    """Each sampler that fits the network, at each batch: ours, ours compiled, and the plain loop."""
    import torch

    from generation.diffusion.config import SAMPLERS
    from generation.images.engines.diffusion import network_of

    source = source_of(name)
    net = network_of(source)
    cuda = torch.cuda.is_available()
    plain = {"plain_fp32": plain_net(network_of(source, "fp32"), torch.float32)}
    if cuda:
        plain["plain_bf16"] = plain_net(net, torch.bfloat16)
    for batch in batches:  # outside, so that each size is compiled once
        for sampler in SAMPLERS[net.config.objective]:
            settings = {"sampler": sampler, "steps": steps}
            makers = {"ours": partial(our_engine, source, {**settings, "compile": "off"}, batch)}
            if compiled:
                makers["ours_compiled"] = partial(our_engine, source, {**settings, "compile": "on"}, batch)
            makers |= {key: partial(plain_loop, each, sampler, steps, batch) for key, each in plain.items()}
            row: Row = {"net": name, "sampler": sampler, "steps": steps, "batch": batch}
            yield row | {key: measured(make, batch) for key, make in makers.items()}


def measured(make: Callable[[], None], images: int) -> float | str:
    """The pace, or why there is none."""
    import torch

    try:
        return pace(make, images)
    except torch.OutOfMemoryError:
        return "out of memory"
    except NotCompiledError as error:
        return str(error)
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def against_ddpm(name: str, batch: int, *, compiled: bool) -> Row:
    """Flow matching with Heun, 19 calls, as our engine makes it, against 1,000 calls of DDPM in fp32.

    DDPM's first `DDPM_RUN` calls are run and the rest extrapolated: each call costs the same.
    """
    import torch

    from generation.diffusion.objectives import make_sampler
    from generation.images.engines.diffusion import network_of

    flow, epsilon = source_of(name), source_of(name, objective="epsilon")
    ddpm = plain_net(network_of(epsilon, "fp32"), torch.float32)
    heun = make_sampler(network_of(flow).config, "flow-heun")
    heun.set_timesteps(HEUN_STEPS)
    settings = {
        "sampler": "flow-heun",
        "steps": HEUN_STEPS,
        "precision": "bf16" if torch.cuda.is_available() else "auto",
        "compile": "on" if compiled else "off",
    }
    ours = pace(partial(our_engine, flow, settings, batch), batch)
    run = pace(partial(plain_loop, ddpm, "ddpm", DDPM_CALLS, batch, stop_after=DDPM_RUN), batch)
    theirs = run * DDPM_RUN / DDPM_CALLS
    return {
        "net": name,
        "batch": batch,
        "flow_heun_calls": len(heun.timesteps),
        "flow_heun_per_s": ours,
        "ddpm_calls": DDPM_CALLS,
        "ddpm_per_s": round(theirs, 5),
        "ratio": round(ours / theirs, 1),
        "extrapolated": f"DDPM from {DDPM_RUN} of its {DDPM_CALLS} calls",
    }


def pipeline(home: Path, images: int, steps: int) -> Iterator[Row]:
    """Our pipeline engine and the plain pipeline call, both on one tiny Stable Diffusion of random weights."""
    import diffusers

    from generation.diffusion.finetuning.pipelines import PipelineSource
    from generation.diffusion.model_cache import device_for_work
    from generation.images.engines.pipeline import PipelineEngine
    from generation.images.engines.protocol import GenerationRequest
    from tests.generation.tiny_pipeline import save_tiny_pipeline

    diffusers.utils.logging.set_verbosity_error()
    folder = save_tiny_pipeline(home / "pipelines" / "tiny")
    load: Any = diffusers.StableDiffusionPipeline.from_pretrained  # untyped in diffusers
    pipe = load(str(folder), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device_for_work())

    def plain(batch: int) -> None:
        for _ in range(0, images, batch):
            pipe(["a lung"] * batch, num_inference_steps=steps, output_type="np")

    def ours(batch: int) -> None:
        request = GenerationRequest("xray", prompt="a lung", settings={"steps": steps, "precision": "fp32"})
        list(PipelineEngine(PipelineSource(folder), batch=batch).generate(request, range(images)))

    for batch in (1, 4):
        row = {"net": "tiny pipeline", "sampler": "ddim", "steps": steps, "batch": batch}
        makers = {"ours": partial(ours, batch), "plain_fp32": partial(plain, batch)}
        yield row | {key: measured(make, images) for key, make in makers.items()}


def has_transformers() -> bool:
    return importlib.util.find_spec("transformers") is not None


def best(rows: list[Row]) -> list[Row]:
    """For each network and sampler, at batch 1 and at its best batch: ours over the faster plain loop."""
    rows = []
    for net, sampler in dict.fromkeys((row["net"], row["sampler"]) for row in rows):
        mine = [row for row in rows if (row["net"], row["sampler"]) == (net, sampler)]
        fastest = {who: max((_fastest(row, who), row["batch"]) for row in mine) for who in ("ours", "plain")}
        alone = next((row for row in mine if row["batch"] == 1), None)
        rows.append(
            {
                "net": net,
                "sampler": sampler,
                "ratio_at_batch_1": alone and round(_fastest(alone, "ours") / _fastest(alone, "plain"), 2),
                "best_batch": fastest["ours"][1],
                "plain_best_batch": fastest["plain"][1],
                "ratio_at_best_batch": round(fastest["ours"][0] / fastest["plain"][0], 2),
            }
        )
    return rows


def _fastest(row: Row, who: str) -> float:
    paces = [value for key, value in row.items() if key.startswith(who) and isinstance(value, float)]
    return max(paces, default=float("nan"))


__all__ = ["against_ddpm", "best", "has_transformers", "machine", "pipeline", "sampling"]
