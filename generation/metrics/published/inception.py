"""The Inception v3 of 2015 that FID is defined on, as PyTorch has it: its published weights load by their names.

It differs from torchvision's, which RadImageNet's is too, by what its average pools count at the edge and by one maximum
pool (Seitzer 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DIMENSIONS, CLASSES = 2048, 1008
Size = int | tuple[int, int]
# A branch: by name, (channels out, kernel, stride, padding), one after the other.
Chain = dict[str, tuple[int, Size, int, Size]]


class ConvUnit(nn.Module):
    def __init__(self, into: int, out: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Branches side by side: chains of convolutions, and a pool that is last, by itself or before one convolution."""

    counts_edge = False  # whether an average at the edge counts the zeros beyond it

    def __init__(self, into: int, chains: list[Chain], pool: int = 0, *, largest: bool = False) -> None:
        super().__init__()
        self.chains: list[list[str]] = []
        self.largest, self.has_pool = largest, bool(pool)
        for chain in chains:
            self._add(into, chain)
        if pool:
            self.branch_pool = ConvUnit(into, pool, 1)

    def _add(self, into: int, chain: Chain) -> None:
        width = into
        for name, (out, kernel, stride, padding) in chain.items():
            setattr(self, name, ConvUnit(width, out, kernel, stride, padding))
            if not name.endswith("a"):  # “2a” and “2b” both stand on what came before them
                width = out
        self.chains.append(list(chain))

    def forward(self, x: Tensor) -> Tensor:
        parts = [self._through(x, chain) for chain in self.chains]
        return torch.cat([*parts, self._pooled(x)], dim=1)

    def _through(self, x: Tensor, chain: list[str]) -> Tensor:
        steps = [name for name in chain if not name.endswith(("a", "b"))]
        for name in steps:
            x = getattr(self, name)(x)
        ends = [name for name in chain if name not in steps]
        return torch.cat([getattr(self, name)(x) for name in ends], dim=1) if ends else x

    def _pooled(self, x: Tensor) -> Tensor:
        if not self.has_pool:
            return functional.max_pool2d(x, 3, stride=2)
        if self.largest:
            return self.branch_pool(functional.max_pool2d(x, 3, stride=1, padding=1))  # type: ignore[no-any-return]  # a module's call
        pooled = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=self.counts_edge)
        return self.branch_pool(pooled)  # type: ignore[no-any-return]  # a module's call


def _block_a(into: int, pool: int) -> Block:
    chains: list[Chain] = [
        {"branch1x1": (64, 1, 1, 0)},
        {"branch5x5_1": (48, 1, 1, 0), "branch5x5_2": (64, 5, 1, 2)},
        {
            "branch3x3dbl_1": (64, 1, 1, 0),
            "branch3x3dbl_2": (96, 3, 1, 1),
            "branch3x3dbl_3": (96, 3, 1, 1),
        },
    ]
    return Block(into, chains, pool)


def _block_b(into: int) -> Block:
    chains: list[Chain] = [
        {"branch3x3": (384, 3, 2, 0)},
        {
            "branch3x3dbl_1": (64, 1, 1, 0),
            "branch3x3dbl_2": (96, 3, 1, 1),
            "branch3x3dbl_3": (96, 3, 2, 0),
        },
    ]
    return Block(into, chains)


def _block_c(into: int, width: int) -> Block:
    across, down = ((1, 7), (0, 3)), ((7, 1), (3, 0))
    chains: list[Chain] = [
        {"branch1x1": (192, 1, 1, 0)},
        {
            "branch7x7_1": (width, 1, 1, 0),
            "branch7x7_2": (width, across[0], 1, across[1]),
            "branch7x7_3": (192, down[0], 1, down[1]),
        },
        {
            "branch7x7dbl_1": (width, 1, 1, 0),
            "branch7x7dbl_2": (width, down[0], 1, down[1]),
            "branch7x7dbl_3": (width, across[0], 1, across[1]),
            "branch7x7dbl_4": (width, down[0], 1, down[1]),
            "branch7x7dbl_5": (192, across[0], 1, across[1]),
        },
    ]
    return Block(into, chains, 192)


def _block_d(into: int) -> Block:
    chains: list[Chain] = [
        {"branch3x3_1": (192, 1, 1, 0), "branch3x3_2": (320, 3, 2, 0)},
        {
            "branch7x7x3_1": (192, 1, 1, 0),
            "branch7x7x3_2": (192, (1, 7), 1, (0, 3)),
            "branch7x7x3_3": (192, (7, 1), 1, (3, 0)),
            "branch7x7x3_4": (192, 3, 2, 0),
        },
    ]
    return Block(into, chains)


def _block_e(into: int, *, largest: bool) -> Block:
    chains: list[Chain] = [
        {"branch1x1": (320, 1, 1, 0)},
        {
            "branch3x3_1": (384, 1, 1, 0),
            "branch3x3_2a": (384, (1, 3), 1, (0, 1)),
            "branch3x3_2b": (384, (3, 1), 1, (1, 0)),
        },
        {
            "branch3x3dbl_1": (448, 1, 1, 0),
            "branch3x3dbl_2": (384, 3, 1, 1),
            "branch3x3dbl_3a": (384, (1, 3), 1, (0, 1)),
            "branch3x3dbl_3b": (384, (3, 1), 1, (1, 0)),
        },
    ]
    return Block(into, chains, 192, largest=largest)


class FidInception(nn.Module):
    """(n, 3, 299, 299) in about −1..1 to (n, 2048): the last average pool."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvUnit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = ConvUnit(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvUnit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvUnit(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvUnit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _block_a(192, 32), _block_a(256, 64), _block_a(288, 64)
        self.Mixed_6a, self.Mixed_6b = _block_b(288), _block_c(768, 128)
        self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (
            _block_c(768, 160),
            _block_c(768, 160),
            _block_c(768, 192),
        )
        self.Mixed_7a = _block_d(768)
        self.Mixed_7b, self.Mixed_7c = _block_e(1280, largest=False), _block_e(2048, largest=True)
        self.fc = nn.Linear(DIMENSIONS, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(x, 3, stride=2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(functional.max_pool2d(x, 3, stride=2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return x.mean(dim=(2, 3))


class TorchvisionInception(FidInception):
    """The same weights' names, with the pools that torchvision has."""

    def __init__(self) -> None:
        super().__init__()
        self.Mixed_7c = _block_e(2048, largest=False)
        for block in self.modules():
            if isinstance(block, Block):
                block.counts_edge = True
