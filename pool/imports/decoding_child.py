"""The child's end of `pool.imports.decoding`: limits itself, then decodes what comes in until the parent is gone."""

from __future__ import annotations

import resource
import signal
import sys

from pool.canonical import pixels
from pool.canonical.pixels import RefusedImage
from pool.imports import dicom
from pool.imports.decoding import Decoded, receive, send


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
        reply, data = _answer(body, str(head["name"]), colour=bool(head["colour"]))
        signal.alarm(0)
        send(answers, reply, data)


def _answer(data: bytes, name: str, *, colour: bool) -> tuple[dict[str, object], bytes]:
    try:
        image = _decoded(data, name, colour=colour)
    except RefusedImage as error:
        return {"refused": str(error)}, b""
    pixels = image.pixels
    return {
        "dtype": pixels.dtype.name,
        "shape": pixels.shape,
        "tags": image.tags,
        "patient_id": image.patient_id,
    }, pixels.tobytes()


def _decoded(data: bytes, name: str, *, colour: bool) -> Decoded:
    if dicom.is_dicom(data, name):
        picture = dicom.decode(data)
        return Decoded(picture.pixels, picture.tags, picture.patient_id)
    return Decoded(pixels.decode(data, colour=colour), {})


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
