"""What sampling adds to its network's work: nothing a GPU would wait for, and no batch that waits for the disk."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench.generation_sampling import plain_loop
from generation.diffusion.config import SAMPLERS
from generation.diffusion.networks.network import Denoiser, build
from generation.diffusion.objectives import make_sampler
from generation.diffusion.sampling import sampler as sampling
from generation.images.engines import prefetch
from generation.images.engines.prefetch import prefetched
from generation.images.engines.protocol import EngineImage, GenerationRequest
from tests.generation.tiny import tiny_config

EVERY_SAMPLER = [(objective, sampler) for objective, names in SAMPLERS.items() for sampler in names]
STEPS = 4


@pytest.mark.parametrize(("objective", "sampler"), EVERY_SAMPLER)
def test_no_value_is_asked_back_from_the_device_before_the_images_are_ready(
    objective: str, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On torch's meta device, which has no values: whatever made a CPU wait for its GPU is an error there."""
    monkeypatch.setattr(sampling, "autocast", lambda *_: contextlib.nullcontext())  # there is none for it
    net = Denoiser(tiny_config(objective=objective)).to("meta")
    calls: list[Any] = []
    net.unet.register_forward_hook(lambda *told: calls.append(told))

    # The one copy there has to be, of the finished images, is where this device gives up; the calls before it count.
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        sampling.sample(net, [1, 2], sampler=sampler, steps=STEPS, precision="fp32")

    schedule = make_sampler(net.config, sampler)
    schedule.set_timesteps(STEPS)
    assert len(calls) == len(schedule.timesteps)


class Kernels(TorchDispatchMode):
    """Counts the operations that write a whole batch of images, outside the network's layers."""

    def __init__(self, net: Denoiser) -> None:
        super().__init__()
        self.number, self.inside = 0, False
        self.layers = net.unet.forward
        net.unet.forward = self.forward

    def forward(self, *told: Any, **named: Any) -> Any:
        self.inside = True
        try:
            return self.layers(*told, **named)
        finally:
            self.inside = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.ndim == 4 and len(out) > 1 and not self.inside:
            given = {arg.data_ptr() for arg in args if isinstance(arg, torch.Tensor)}
            self.number += out.data_ptr() not in given
        return out


def kernels_a_step(make: Callable[[Denoiser, int], Any], net: Denoiser) -> float:
    counted: list[int] = []
    for steps in (STEPS, 2 * STEPS):
        with Kernels(net) as kernels:
            make(net, steps)
        net.unet.forward = kernels.layers
        counted.append(kernels.number)
    return (counted[1] - counted[0]) / STEPS


@pytest.mark.parametrize(("objective", "sampler"), EVERY_SAMPLER)
def test_a_step_has_no_more_operations_beside_the_network_than_a_plain_loop(
    objective: str, sampler: str
) -> None:
    def ours(net: Denoiser, steps: int) -> None:
        sampling.sample(net, [1, 2], sampler=sampler, steps=steps, precision="fp32")

    net = build(tiny_config(objective=objective), seed=1).bfloat16()
    lean = kernels_a_step(ours, net)
    plain = kernels_a_step(lambda net, steps: plain_loop(net, sampler, steps, 2), net)

    # DDPM and DDIM round their sums to bf16 as they go; ours are in fp32, which takes a conversion each way.
    assert 0 < lean <= plain + (2 if sampler in {"ddpm", "ddim"} else 0)


def test_the_layout_changes_no_image() -> None:
    net = build(tiny_config(), seed=1)
    first = sampling.sample(net, [1, 2], steps=STEPS)
    net.lay_out(torch.contiguous_format)
    other = sampling.sample(net, [1, 2], steps=STEPS)

    assert np.abs(first.astype(int) - other.astype(int)).max() <= 1


# --- One batch ahead ----------------------------------------------------------------------------------------
def image(index: int) -> EngineImage:
    return EngineImage(index, index, np.zeros((4, 4), np.uint8), {})


def test_the_next_batch_is_made_while_the_last_one_is_stored() -> None:
    begun = [threading.Event() for _ in range(3)]

    def batches(_heard: GenerationRequest) -> Iterator[list[EngineImage]]:
        for number, event in enumerate(begun):
            event.set()
            yield [image(2 * number), image(2 * number + 1)]

    stored = []
    for one in prefetched(GenerationRequest("xray"), 6, batches):
        if one.index < 4:
            assert begun[one.index // 2 + 1].wait(30), "nobody made the next batch meanwhile"
        stored.append(one.index)

    assert stored == list(range(6))


def test_what_the_maker_says_and_raises_reaches_the_asker_on_his_own_thread() -> None:
    heard: list[tuple[str, int]] = []

    def batches(request: GenerationRequest) -> Iterator[list[EngineImage]]:
        request.note("Out of memory.")
        request.heartbeat()
        yield [image(0)]
        raise MemoryError

    request = GenerationRequest(
        "xray",
        heartbeat=lambda: heard.append(("beat", threading.get_ident())),
        note=lambda text: heard.append((text, threading.get_ident())),
    )
    answers = prefetched(request, 2, batches)
    first = next(answers)

    assert first.index == 0
    with pytest.raises(MemoryError):
        next(answers)
    me = threading.get_ident()
    assert heard == [("Out of memory.", me), ("beat", me)]


class TurnOverError(Exception):
    pass


def test_a_job_that_steps_aside_keeps_the_batch_that_was_ready() -> None:
    turns = iter([None, TurnOverError()])

    def may_stop() -> None:
        if turn := next(turns):
            raise turn

    answers = prefetched(
        GenerationRequest("xray", may_stop=may_stop),
        4,
        lambda _: iter([[image(0), image(1)], [image(2), image(3)]]),
    )
    indices = [next(answers).index, next(answers).index]
    with pytest.raises(TurnOverError):
        next(answers)

    assert indices == [0, 1]


def test_the_maker_ends_when_nobody_takes_its_images_any_more() -> None:
    ended = threading.Event()

    def batches(heard: GenerationRequest) -> Iterator[list[EngineImage]]:
        yield [image(0)]
        try:
            while True:
                heard.heartbeat()
        finally:
            ended.set()

    answers = prefetched(GenerationRequest("xray"), 2, batches)
    next(answers)
    answers.close()

    assert ended.is_set()


def test_a_maker_without_a_sign_of_life_keeps_no_job_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a network that hangs is found out by the silence of its job."""
    monkeypatch.setattr(prefetch, "PULSE", 0.001)
    beats: list[int] = []
    pulses, go, wait = [0], threading.Event(), futures.wait

    def counted(*told: Any, **named: Any) -> Any:
        pulses[0] += 1
        if pulses[0] == 3:
            go.set()
        return wait(*told, **named)

    def batches(_heard: GenerationRequest) -> Iterator[list[EngineImage]]:
        go.wait(30)
        yield [image(0)]

    monkeypatch.setattr(prefetch, "wait", counted)
    images = list(prefetched(GenerationRequest("xray", heartbeat=partial(beats.append, 1)), 1, batches))

    assert len(images) == 1
    assert beats == []
