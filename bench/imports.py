"""Images an import brings in a second, by kind of file, with one decoding child and with as many as there are cores.

    python -m bench.imports [--count N]

Files are of our own making and as large as real ones; the database and the folder of images are left out, so that
what is measured is reading, decoding, hashing and encoding.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from pool.imports.archives import Source
from pool.imports.decoding import Hints
from pool.imports.labels import Facts
from pool.imports.pipeline import Pipeline

SIDE = 1024


def smooth(seed: int, top: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """An image with shapes and a little noise, which compresses as a radiograph does."""
    noise = np.random.default_rng(seed)
    coarse = Image.fromarray(noise.random((16, 16)).astype(np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(coarse) * top * 0.8 + noise.normal(0, top * 0.01, (SIDE, SIDE)), 0, top)


def image(kind: str) -> Callable[[int], bytes]:
    def make(seed: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(smooth(seed, 255).astype(np.uint8)).save(buffer, format=kind)
        return buffer.getvalue()

    return make


def dicom(seed: int) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.1")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{seed + 1}")
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME2"
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = smooth(seed, 4095).astype("<u2").tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


KINDS = {"JPEG": image("JPEG"), "PNG": image("PNG"), "DICOM, 12 bits": dicom}


def images_a_second(make: Callable[[int], bytes], count: int, workers: int) -> float:
    files = [make(seed) for seed in range(min(count, 16))]
    items = [
        Source(f"{number}", Facts(), lambda number=number: files[number % len(files)])  # type: ignore[misc]  # mypy cannot infer the default
        for number in range(count + workers)
    ]
    with Pipeline(Hints(modality="xray"), workers=workers) as pipeline:
        opened = pipeline.open_all(items)
        for _ in range(workers):  # until every child has read its libraries
            next(opened)
        began = time.perf_counter()
        number = sum(1 for _ in opened)
        return number / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(f"{SIDE} × {SIDE} pixels, {cores} cores")
    for name, make in KINDS.items():
        one, all_of_them = (images_a_second(make, options.count, workers) for workers in (1, cores))
        print(
            f"{name:16} {one:6.1f} images/s with one child, {all_of_them:6.1f} with {cores}: {all_of_them / one:.2f} times"
        )


if __name__ == "__main__":
    main()
