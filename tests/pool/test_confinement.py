"""Behind the wall a process reaches nothing: no file, no socket, no program, no other process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pool.canonical.pixels import RefusedImageError
from pool.confinement.child import Child, ChildEndedError
from pool.confinement.wall import has_wall
from pool.imports.decoding import Decoded, Decoder, Hints
from pool.imports.decoding_child import gate
from tests.pool.files import dicom_file, image_bytes

needs_wall = pytest.mark.skipif(not has_wall(), reason="this system has no seccomp filters")

BURGLAR = """
import json, os, socket, subprocess, sys
from pool.confinement.wall import shut_in

secret, port, behind_wall = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "wall"

def read_secret():
    with open(secret) as file:
        return file.read()

def connect():
    socket.create_connection(("127.0.0.1", port), timeout=2).close()

def send_datagram():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))

ATTEMPTS = {
    "read": read_secret,
    "write": lambda: open(secret + ".new", "w"),
    "list": lambda: os.listdir("/"),
    "connect": connect,
    "datagram": send_datagram,
    "local socket": lambda: socket.socketpair(),
    "program": lambda: subprocess.run(["true"], check=True),
    "fork": lambda: os.fork() or os._exit(0),
    "signal": lambda: os.kill(os.getppid(), 0),
    "environment of the parent": lambda: open(f"/proc/{os.getppid()}/environ", "rb").read(),
}
if behind_wall:
    shut_in()
succeeded = []
for name, attempt in ATTEMPTS.items():
    try:
        attempt()
        succeeded.append(name)
    except Exception:  # “not permitted”, or what a library makes of it
        pass
print(json.dumps(succeeded))
"""


@pytest.fixture
def burglary(tmp_path: Path):
    """What a program gets at that tries everything, with the wall or without, and how often it reached a port."""
    secret = tmp_path / "secret-key"
    secret.write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def attempt(wall: str) -> tuple[list[str], int]:
            arguments = [str(secret), str(server.getsockname()[1]), wall]
            done = subprocess.run(
                [sys.executable, "-c", BURGLAR, *arguments],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            visitors = 0
            try:
                server.accept()[0].close()
                visitors = 1
            except TimeoutError:
                pass
            return json.loads(done.stdout), visitors

        yield attempt


@needs_wall
def test_a_program_behind_the_wall_opens_no_file_and_no_socket_and_reaches_no_other_process(burglary) -> None:
    everything, visitors_without = burglary("no wall")
    behind_wall, visitors = burglary("wall")

    assert len(everything) == 10
    assert visitors_without == 1
    assert behind_wall == []
    assert visitors == 0


@needs_wall
def test_the_decoder_stands_behind_the_wall() -> None:
    with Decoder() as decoder:
        decoder.decode(image_bytes(), "a.png")

        status = Path(f"/proc/{decoder.process_id}/status").read_text()

    assert "Seccomp:\t2" in status


def test_behind_the_wall_every_file_decodes_as_it_does_here(shared_data: Path) -> None:
    """A decoder that first loads its library when a file asks for it would fail there."""
    odd = Path(__file__).parents[1] / "data" / "odd"
    files = [path for folder in (shared_data / "dicom", odd) for path in sorted(folder.rglob("*.*"))]
    hints = Hints(slices="all", modality="ct")

    with Decoder() as decoder:
        for path in files:
            data = path.read_bytes()
            here = _outcome(partial(gate, data, path.name, hints))
            behind_wall = _outcome(partial(decoder.decode_all, data, path.name, hints))
            assert behind_wall == here, path.name

    assert len(files) > 31


def test_what_a_library_quotes_of_a_file_goes_to_no_log(capfd: pytest.CaptureFixture[str]) -> None:
    """pydicom warns of a value that is none of its kind, and quotes it."""
    values = np.arange(1024, dtype=np.int16).reshape(32, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = dicom_file(values, BodyPartExamined="QUUX^JANE (ward 7)")
    capfd.readouterr()

    with Decoder() as decoder:
        decoder.decode(data, "a.dcm")

    assert "QUUX" not in "".join(capfd.readouterr())


def _outcome(decode: Callable[[], Sequence[Decoded]]) -> str | list[bytes]:
    try:
        return [image.pixels.tobytes() for image in decode()]
    except RefusedImageError as error:
        return str(error)


def test_a_child_that_will_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = 'import sys; from pool.confinement.messages import send; send(sys.stdout.buffer, {"refused": "no wall"})'
    child = Child("unused", most_answer_bytes=10)
    child.command = [sys.executable, "-c", source]

    with pytest.raises(ChildEndedError, match="no wall"):
        child.request({}, b"", seconds=5)


def test_an_answer_longer_than_allowed_is_not_read() -> None:
    source = (
        "import sys; from pool.confinement.messages import send; send(sys.stdout.buffer, {}); "
        "send(sys.stdout.buffer, {}, bytes(100))"
    )
    child = Child("unused", most_answer_bytes=99)
    child.command = [sys.executable, "-c", source]

    with pytest.raises(ChildEndedError, match="makes no sense"):
        child.request({}, b"", seconds=5)
    assert not child.is_running
