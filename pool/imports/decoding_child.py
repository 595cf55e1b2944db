"""The child's end of `pool.imports.decoding`: limits itself, then decodes what comes in until the parent is gone."""

from __future__ import annotations

import resource
import signal
import sys

from pool.canonical.pixels import RefusedImage, refuse_even
from pool.imports import dicom, raster
from pool.imports.decoding import Decoded, Hints, receive, send
from pool.imports.notes import Notes


def main(seconds: int, memory: int) -> None:
    _limit(memory)
    # Whatever a library prints must not end up between two answers.
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    send(answers, {"ready": True}, b"")
    while True:
        try:
            head, body = receive(sys.stdin.buffer)
        except EOFError:
            return
        # The parent kills a late child; this is for a child whose parent was killed. Unhandled on purpose.
        signal.alarm(2 * seconds)
        hints = Hints(bool(head["colour"]), str(head["modality"]), str(head["window"]))
        reply, data = _answer(body, str(head["name"]), hints)
        signal.alarm(0)
        send(answers, reply, data)


def _answer(data: bytes, name: str, hints: Hints) -> tuple[dict[str, object], bytes]:
    try:
        decoded = gate(data, name, hints)
    except RefusedImage as error:
        return {"refused": str(error)}, b""
    pixels = decoded.pixels
    return {
        "dtype": pixels.dtype.name,
        "shape": pixels.shape,
        "tags": decoded.tags,
        "patient_id": decoded.patient_id,
        "notes": [note.as_json() for note in decoded.notes],
    }, pixels.tobytes()


def gate(data: bytes, name: str, hints: Hints) -> Decoded:
    """A file as it goes into the pool, with what is to be known of it. Raises RefusedImage for one that does not."""
    if dicom.is_dicom(data, name):
        picture = dicom.decode(data, modality=hints.modality, window=hints.window, colour=hints.colour)
        decoded = Decoded(picture.pixels, picture.tags, picture.patient_id, picture.notes)
    else:
        notes = Notes()
        decoded = Decoded(raster.decode(data, colour=hints.colour, notes=notes), {}, notes=list(notes))
    refuse_even(decoded.pixels)
    return decoded


def _limit(memory: int) -> None:
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(what, (limit, limit))
        except (ValueError, OSError) as error:
            # macOS does not know every limit; the time limit and the checks of the headers still hold.
            print(f"decoder: a limit could not be set: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
