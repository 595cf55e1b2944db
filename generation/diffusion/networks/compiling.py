"""Compiling a network where that pays: on a GPU, for work of many minutes; where it fails, all goes on without."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from generation.diffusion.model_cache import out_of_memory

if TYPE_CHECKING:
    from generation.diffusion.networks.network import Denoiser

COMPILE = ("auto", "on", "off")
# Compiling takes a minute or two and then saves something like a third.
PAYS_AFTER = 300.0
BACKEND = "inductor"


class Compiling:
    """Decides before each batch of a job, by the pace of those before, whether to compile its network.

    A compiled network works on batches of one size: the last, smaller one is filled up. One network at a time
    is compiled in a process, because torch stops compiling a function after a few of its shapes.
    """

    def __init__(
        self,
        net: Denoiser,
        compiling: str,
        *,
        batch: int,
        images: int,
        guided: bool,
        try_out: Callable[[int], None],
        note: Callable[[str], None],
    ) -> None:
        on_gpu = next(net.parameters()).device.type == "cuda"
        self.net, self.guided, self.try_out, self.note = net, guided, try_out, note
        self.left, self.pace = images, 0.0  # the pace in seconds an image, of the last batch
        self.at_once, self.may = compiling == "on", compiling == "on" or (compiling == "auto" and on_gpu)
        self.size = min(batch, images)
        if not self.may or net.compiled_for != (self.size, guided):
            self._leave_uncompiled()

    @contextlib.contextmanager
    def batch(self, group: list[int]) -> Iterator[list[int]]:
        """The indices to sample for this group: the group itself, or filled up to the compiled size."""
        if self.may and not self.size and (self.at_once or self.pace * self.left > PAYS_AFTER):
            self._compile(len(group))
        began = time.monotonic()
        try:
            yield group + group[-1:] * (self.size - len(group))
        except (MemoryError, RuntimeError) as error:
            if self.size and out_of_memory(error):
                self._give_up()
            raise
        self.pace = (time.monotonic() - began) / len(group)
        self.left -= len(group)

    def _compile(self, size: int) -> None:
        import torch

        began = time.monotonic()
        try:
            torch._dynamo.reset()
            self.net.lay_out(torch.channels_last)  # a compiler turns nothing there and back
            self.net.compiled = torch.compile(self.net.forward, dynamic=False, backend=BACKEND)
            self.try_out(size)
        except Exception as error:  # whatever a compiler may raise: none there, no Triton, a driver too old …
            self._give_up()
            reason = " ".join(str(error).split())[:150]
            self.note(f"Compiling failed ({type(error).__name__}: {reason}); going on without.")
        else:
            self.size, self.net.compiled_for = size, (size, self.guided)
            self.note(f"Compiled the network in {time.monotonic() - began:.0f} s.")

    def _give_up(self) -> None:
        self.may = False
        self._leave_uncompiled()

    def _leave_uncompiled(self) -> None:
        from generation.diffusion.networks.network import eager_layout

        if self.net.compiled is not None:
            self.net.compiled, self.net.compiled_for = None, None
            self.net.lay_out(eager_layout(next(self.net.parameters()).device, self.net.config))
        self.size = 0
