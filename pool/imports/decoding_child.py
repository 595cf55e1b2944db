"""The child's end of `pool.imports.decoding`: shuts itself in, then decodes what comes in until the parent is gone."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from pool.canonical.pixels import RefusedImageError, refuse_even
from pool.confinement.limits import limit
from pool.confinement.messages import only_answers, receive, send
from pool.confinement.wall import has_wall, shut_in
from pool.imports import dicom, raster
from pool.imports.codecs import load_codecs
from pool.imports.decoding import MAX_FILE_BYTES, Decoded, Hints
from pool.imports.marks import marks_of
from pool.imports.notes import Notes
from pool.imports.volumetric import volumes
from pool.imports.volumetric.slices import STACK


def main(seconds: int, memory: int) -> None:
    load_codecs()
    answers = only_answers()
    limit(_memory_of_libraries() + memory)
    # A decoder runs no foreign program; where there is no wall its limits and its bare environment stand alone.
    if has_wall():
        shut_in()
    send(answers, {"ready": True})
    while True:
        try:
            head, body = receive(sys.stdin.buffer, most=MAX_FILE_BYTES)
        except EOFError:
            return
        # The parent kills a late child; this is for a child whose parent was killed. Unhandled on purpose.
        signal.alarm(2 * seconds)
        hints = Hints(
            colour=bool(head["colour"]),
            modality=str(head["modality"]),
            window=str(head["window"]),
            slices=str(head["slices"]),
            may_be_even=bool(head["may_be_even"]),
            with_sex_and_age=bool(head["with_sex_and_age"]),
        )
        reply, data = _answer(body, str(head["name"]), hints)
        signal.alarm(0)
        send(answers, reply, data)


def _answer(data: bytes, name: str, hints: Hints) -> tuple[dict[str, object], bytes]:
    try:
        images = gate(data, name, hints)
    except RefusedImageError as error:
        return {"refused": str(error)}, b""
    entries = [
        {
            "dtype": image.pixels.dtype.name,
            "shape": image.pixels.shape,
            "tags": image.tags,
            "patient_id": image.patient_id,
            "notes": [note.as_json() for note in image.notes],
            "part": image.part,
            "hold_reason": image.hold_reason,
            "value_bytes": len(image.values),
            "series": image.series,
            "position": image.position,
            "lung_share": image.lung_share,
        }
        for image in images
    ]
    return {"images": entries}, b"".join(
        part for image in images for part in (image.pixels.tobytes(), image.values)
    )


def gate(data: bytes, name: str, hints: Hints) -> list[Decoded]:
    """The images of a file as they go into the pool, with what is to be known of them. Raises RefusedImageError."""
    if is_dicom := dicom.is_dicom(data, name):
        images = _of_dicom(data, hints)
    elif kind := volumes.volume_kind(data):
        images = _of_volume(data, kind, hints)
    else:
        notes = Notes()
        pixels = raster.decode(data, colour=hints.colour, notes=notes)
        images = [Decoded(pixels, {}, notes=list(notes))]
    if not images:
        raise RefusedImageError("Each of the images chosen is of one even grey level.")
    if marks := marks_of(data, is_dicom=is_dicom):
        images = [replace(image, tags={**image.tags, **marks}) for image in images]
    if len(images) == 1 and not hints.may_be_even and hints.slices != STACK:
        refuse_even(images[0].pixels)
    return images


def _of_dicom(data: bytes, hints: Hints) -> list[Decoded]:
    frames = dicom.decode_frames(
        data,
        modality=hints.modality,
        window=hints.window,
        colour=hints.colour,
        choice=hints.slices,
        with_sex_and_age=hints.with_sex_and_age,
    )
    several = len(frames) > 1
    return [
        Decoded(
            frame.pixels,
            frame.tags,
            frame.patient_id,
            frame.notes,
            f"frame {frame.place + 1}" if several else "",
            frame.hold_reason,
            frame.values,
            frame.series.identifier if frame.series else "",
            frame.series.position if frame.series else 0.0,
            frame.lung_share,
        )
        for frame in frames
        if not several or hints.slices == STACK or frame.pixels.min() < frame.pixels.max()
    ]


def _of_volume(data: bytes, kind: str, hints: Hints) -> list[Decoded]:
    selection, number = volumes.decode(
        data, kind, choice=hints.slices, modality=hints.modality, window=hints.window
    )
    return [
        Decoded(
            volume_slice.pixels,
            {"Format": kind},
            "",
            volume_slice.notes,
            f"slice {volume_slice.place + 1}" if number > 1 else "",
            values=volume_slice.values,
        )
        for volume_slice in selection
        if len(selection) == 1
        or hints.slices == STACK
        or volume_slice.pixels.min() < volume_slice.pixels.max()
    ]


def _memory_of_libraries() -> int:
    """The address space in use; 0 where the system does not say, as on macOS."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
