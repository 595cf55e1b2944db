"""Where training images lie while they are trained on: on the device as bytes when they fit, else in memory."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Of the memory that is free before training starts.
PART_OF_DEVICE = 0.3
MIDDLE = 2**15  # deep levels lie around 0


class DeviceDataset:
    """Rows of one array as tensors on the device; 3,165 X-rays of 256² are 207 MB as bytes."""

    def __init__(self, values: NDArray[np.generic], device: torch.device, *, room: int | None = None) -> None:
        self.device = device
        room = _room(device) if room is None else room
        if values.dtype == np.uint16:  # of which torch can do little
            values = (values.astype(np.int32) - MIDDLE).astype(np.int16)
        self.resident = values.nbytes <= room
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        self.values = tensor.to(device) if self.resident else tensor

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.int64]) -> Tensor:
        """The rows, on the device. A copy from pinned memory runs while the device works on the step before."""
        index = torch.from_numpy(rows)
        if self.resident:
            return self.values[index.to(self.device)]
        chosen = self.values[index]
        return (chosen.pin_memory() if self.device.type == "cuda" else chosen).to(
            self.device, non_blocking=True
        )


def normalised_images(shelf: DeviceDataset, rows: NDArray[np.int64]) -> Tensor:
    """The images of these rows, (n, channels, size, size) from -1 to 1."""
    pixels = shelf.take(rows)
    images = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    if images.dtype == torch.int16:
        return images.float().add_(MIDDLE).div_(32767.5).sub_(1)
    return torch.div(images, 127.5).sub_(1)


def _room(device: torch.device) -> int:
    if device.type != "cuda":
        return 2**62  # host memory is where it lies already
    free, _total = torch.cuda.mem_get_info(device)
    return int(free * PART_OF_DEVICE)
