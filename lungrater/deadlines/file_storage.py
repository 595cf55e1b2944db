"""Files in S3 with an end to every wait: botocore bounds a silent read, this also a transfer that only trickles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError
from storages.backends.s3 import S3Storage

from outbound.waiting import within

T = TypeVar("T")

BEGINS_WITHIN = 60.0
LEAST_BYTES_A_SECOND = 2**18


class StorageSilentError(OSError):
    """The store of files does not answer, or too slowly to wait for it; an OSError, as a folder's errors are."""

    def __init__(self) -> None:
        super().__init__("The store of files does not answer; try again in a minute.")


class TimedS3Storage(S3Storage):  # type: ignore[misc]  # django-storages ships no types
    """S3 whose every call ends. A file is read whole when it is opened. Raises StorageSilentError."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        file = _answered(lambda: super(TimedS3Storage, self)._open(name, mode))
        if "r" in mode:
            _transferred(lambda: file.file, file.size)
        return file

    def _save(self, name: str, content: Any) -> str:
        _ = self.bucket  # made in this thread, for all of them
        size = getattr(content, "size", None) or 0
        return str(_transferred(lambda: super(TimedS3Storage, self)._save(name, content), size))

    def exists(self, name: str) -> bool:
        return bool(_answered(lambda: super(TimedS3Storage, self).exists(name)))

    def delete(self, name: str) -> None:
        _answered(lambda: super(TimedS3Storage, self).delete(name))


def _answered(call: Callable[[], T]) -> T:
    try:
        return call()
    except BotoCoreError as error:
        raise StorageSilentError from error


def _transferred(transfer: Callable[[], T], size: int) -> T:
    try:
        return within(BEGINS_WITHIN + size / LEAST_BYTES_A_SECOND, transfer, name="transfer")
    except (TimeoutError, BotoCoreError, S3UploadFailedError) as error:
        raise StorageSilentError from error
