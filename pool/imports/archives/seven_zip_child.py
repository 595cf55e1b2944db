"""The child's end of `pool.imports.archives.seven_zips`: limits itself, then unpacks one 7z into a folder."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

from pool.imports.archives.members import misplaced, too_much
from pool.imports.decoding import MAX_FILE_BYTES

MEMORY_BYTES = 2 * 2**30


def main(path: Path, folder: Path) -> str:
    """Unpack what may be; the reason in words where nothing was."""
    for limit, amount in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS does not know every limit
            resource.setrlimit(limit, (amount, amount))
    import py7zr

    try:
        with py7zr.SevenZipFile(path) as archive:
            if archive.needs_password():
                return "it is locked with a password"
            files = [entry for entry in archive.list() if not entry.is_directory]
            if reason := too_much(
                "7z", len(files), sum(entry.uncompressed or 0 for entry in files), path.stat().st_size
            ):
                return reason.rstrip(".")
            safe = [
                entry.filename
                for entry in files
                if not misplaced(entry.filename, "7z") and not entry.is_symlink
            ]
            archive.extract(path=folder, targets=safe)
    except MemoryError:
        return "its unpacking needs more memory than it may take"
    except Exception as error:  # readers of broken archives raise whatever the file makes them
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ""


if __name__ == "__main__":
    why = main(Path(sys.argv[1]), Path(sys.argv[2]))
    if why:
        print(why)
        sys.exit(1)
