"""A child process for foreign input: bare of secrets, killed when it is late, started anew after its end.

It is taken on trust in nothing: its answers are JSON and raw bytes of bounded length.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pool.confinement.messages import Head, receive, send

SECONDS_TO_START = 120


class ChildEndedError(Exception):
    """The child gave no answer that can be understood; `is_late` says whether its time was up. It is gone.

    `reason` is what it said itself where it would not start.
    """

    def __init__(self, *, is_late: bool = False, reason: str = "") -> None:
        super().__init__(
            reason or ("it took too long" if is_late else "it stopped, or what it answered makes no sense")
        )
        self.is_late, self.reason = is_late, reason


class Child:
    """One child process, a module with its arguments; started with the first request, and anew after its end."""

    def __init__(self, module: str, *arguments: str, most_answer_bytes: int, threads: int = 1) -> None:
        self.command = [sys.executable, "-m", module, *arguments]
        self.most_answer_bytes, self.threads = most_answer_bytes, threads
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int:
        return self.start().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> subprocess.Popen[bytes]:
        """The running process: from its first message on its time counts. Raises ChildEndedError."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=bare_environment(self.threads),
            )
            head, _ = self._answer(self._process, None, SECONDS_TO_START)
            if "refused" in head:
                self.close()
                raise ChildEndedError(reason=str(head["refused"]))
        return self._process

    def request(self, head: Mapping[str, object], body: bytes, *, seconds: float) -> tuple[Head, bytes]:
        """The child's answer to a message, within so many seconds. Raises ChildEndedError."""
        return self._answer(self.start(), (head, body), seconds)

    def _answer(
        self,
        process: subprocess.Popen[bytes],
        message: tuple[Mapping[str, object], bytes] | None,
        seconds: float,
    ) -> tuple[Head, bytes]:
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        watchdog = threading.Timer(seconds, give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            if message is not None:
                send(_pipe(process.stdin), *message)
            return receive(_pipe(process.stdout), most=self.most_answer_bytes)
        except (EOFError, OSError, TypeError, ValueError) as error:
            self.close(at_once=True)
            raise ChildEndedError(is_late=late.is_set()) from error
        finally:
            watchdog.cancel()

    def close(self, *, at_once: bool = False) -> None:
        """End the child; the next request starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        if at_once:
            process.kill()
        with contextlib.suppress(BrokenPipeError):  # it went first
            _pipe(process.stdin).close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _pipe(process.stdout).close()


def bare_environment(threads: int = 1) -> dict[str, str]:
    """No secrets, no database: what a child needs to start and no more."""
    here = str(Path(__file__).resolve().parents[2])
    inherited = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "LANG") if key in os.environ}
    pools = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {**inherited, **pools, "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the child was started without pipes")
    return pipe
