"""A wall around this process that it cannot take down: from now on only memory, threads and the pipes it has.

Linux checks every system call against a list (seccomp, which needs no rights and holds in containers); whatever is
not on it fails with “not permitted”: opening files, sockets, other programs, other processes' memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterable

NO_NEW_PRIVILEGES = 38
SECCOMP, FILTER_MODE, ALL_THREADS = 22, 2, 1
KILL, FAIL, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
CLONE_THREAD = 0x00010000

# The classic filter's instructions: load a word, jump, return.
LOAD, JUMP_IF_EQUAL, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets of struct seccomp_data, little-endian

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435  # its flags lie in memory, where no filter sees them: the C library falls back to clone
# Reading and writing what is open, memory, threads, time, signals to oneself, the end.
ALLOWED = {
    "x86_64": {
        "read": 0,
        "write": 1,
        "close": 3,
        "fstat": 5,
        "poll": 7,
        "lseek": 8,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "readv": 19,
        "writev": 20,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "nanosleep": 35,
        "alarm": 37,
        "setitimer": 38,
        "getpid": 39,
        "exit": 60,
        "uname": 63,
        "gettimeofday": 96,
        "getrusage": 98,
        "sysinfo": 99,
        "sigaltstack": 131,
        "arch_prctl": 158,
        "gettid": 186,
        "futex": 202,
        "sched_getaffinity": 204,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "clock_getres": 229,
        "clock_nanosleep": 230,
        "exit_group": 231,
        "set_robust_list": 273,
        "getcpu": 309,
        "getrandom": 318,
        "membarrier": 324,
        "rseq": 334,
    },
    "aarch64": {
        "close": 57,
        "lseek": 62,
        "read": 63,
        "write": 64,
        "readv": 65,
        "writev": 66,
        "ppoll": 73,
        "fstat": 80,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "set_robust_list": 99,
        "nanosleep": 101,
        "setitimer": 103,
        "clock_gettime": 113,
        "clock_getres": 114,
        "clock_nanosleep": 115,
        "sched_getaffinity": 123,
        "sched_yield": 124,
        "restart_syscall": 128,
        "sigaltstack": 132,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "uname": 160,
        "getrusage": 165,
        "getcpu": 168,
        "gettimeofday": 169,
        "getpid": 172,
        "gettid": 178,
        "sysinfo": 179,
        "brk": 214,
        "munmap": 215,
        "mremap": 216,
        "mmap": 222,
        "mprotect": 226,
        "madvise": 233,
        "getrandom": 278,
        "membarrier": 283,
        "rseq": 293,
    },
}


class NoWallError(Exception):
    """This machine cannot shut a process in; the message says what it lacks."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def has_wall() -> bool:
    """Whether this machine can shut a process in: Linux with seccomp filters, on a processor whose calls are listed."""
    if not sys.platform.startswith("linux") or platform.machine() not in ARCHITECTURES:
        return False
    # Asked for a filter at no address: a kernel that knows filters looks there and says “bad address”.
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SECCOMP, FILTER_MODE, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT


def shut_in() -> None:
    """Shut this process in, with all its threads, for good. Raises NoWallError; then nothing foreign may be run."""
    if not has_wall():
        raise NoWallError("This system has no seccomp filters, so nothing foreign can be run safely on it.")
    machine = platform.machine()
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"".join(_filter(machine))
    program = _Program(len(code) // 8, code)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(
        SECCOMP_CALL[machine], 1, ALL_THREADS, ctypes.byref(program)
    ):
        raise NoWallError(f"The kernel took no seccomp filter: {os.strerror(ctypes.get_errno())}.")
    if escapes := list(_escapes()):
        raise NoWallError(f"The seccomp filter does not hold here: {', '.join(escapes)}.")


def _filter(machine: str) -> Iterable[bytes]:
    """The filter: another architecture's calls kill, the listed ones pass, new threads pass, all others fail."""
    passes = sorted(ALLOWED[machine].values())
    yield _step(LOAD, ARCHITECTURE)
    yield _step(JUMP_IF_EQUAL, ARCHITECTURES[machine], then=1)
    yield _step(RETURN, KILL)
    yield _step(LOAD, NUMBER)
    for number in passes:
        yield _step(JUMP_IF_EQUAL, number, otherwise=1)
        yield _step(RETURN, ALLOW)
    yield _step(JUMP_IF_EQUAL, CLONE3, otherwise=1)
    yield _step(RETURN, FAIL | errno.ENOSYS)
    yield _step(JUMP_IF_EQUAL, CLONE[machine], then=1)
    yield _step(RETURN, FAIL | errno.EPERM)
    yield _step(LOAD, FIRST_ARGUMENT)
    yield _step(JUMP_IF_SET, CLONE_THREAD, otherwise=1)
    yield _step(RETURN, ALLOW)
    yield _step(RETURN, FAIL | errno.EPERM)


def _step(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)


def _escapes() -> Iterable[str]:
    """What still works of what must not."""
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        pass
    else:
        yield "a file could be opened"
    try:
        socket.socket().close()
    except PermissionError:
        pass
    else:
        yield "a socket could be opened"
