"""The one folder that holds everything LungRater writes: LUNGRATER_HOME, or `var/` where you stand."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

# The kernel allows 108 bytes for a Unix socket's path on Linux and 104 on macOS.
LONGEST_SOCKET_PATH = 100
LONGEST_SOCKET_NAME = "pg/.s.PGSQL.5432"
# The embedded database's roles: who owns all, and who serves the site and owns nothing.
OWNER_ROLE, SITE_ROLE = "postgres", "lungrater"


class CannotStartError(Exception):
    """One whole sentence for the person at the terminal: what is wrong and what to do."""


@dataclass(frozen=True)
class Home:
    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        return cls(Path(os.environ.get("LUNGRATER_HOME") or "var").absolute())

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def uploads(self) -> Path:
        """Where files lie that are still being sent."""
        return self.root / "uploads"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def run(self) -> Path:
        """What only matters while LungRater runs: locks, sockets, process ids."""
        return self.root / "run"

    @property
    def sockets(self) -> Path:
        """The folder of the servers' Unix sockets: `run/`, or a short one in /tmp where that is too long."""
        if len(os.fsencode(self.run / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return self.run
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        # Not tempfile's folder: TMPDIR may differ between two shells on one home. `prepare` checks the owner.
        return Path("/tmp") / f"lungrater-{os.getuid()}-{name}"  # noqa: S108  (see the line above)

    @property
    def secret_key(self) -> Path:
        return self.root / "secret_key"

    @property
    def site_passfile(self) -> Path:
        """The password of the database role that web, workers and beat use; libpq reads it when it connects."""
        return self.root / "database_password"

    @property
    def owner_passfile(self) -> Path:
        """That of the tables' owner; only what starts the servers, migrates or restores is given it."""
        return self.root / "database_owner_password"

    def prepare(self) -> None:
        """Make the folder and its parts; raises CannotStartError where that is not allowed."""
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            parts = (self.redis, self.media, self.logs, self.models, self.static, self.run, self.sockets)
            for folder in (self.root, *parts):
                folder.mkdir(mode=0o700, exist_ok=True)
            (self.run / "probe").write_bytes(b"")
            (self.run / "probe").unlink()
            if not self.secret_key.exists():
                self.secret_key.touch(mode=0o600)
                self.secret_key.write_text(secrets.token_urlsafe(50))
            for passfile, role in ((self.site_passfile, SITE_ROLE), (self.owner_passfile, OWNER_ROLE)):
                if not passfile.exists():
                    passfile.touch(mode=0o600)
                    passfile.write_text(f"*:*:*:{role}:{secrets.token_urlsafe(32)}\n")
        except OSError as error:
            raise CannotStartError(
                f"LungRater cannot write to its home {self.root} ({error.strerror}): "
                "free it, or name another folder in LUNGRATER_HOME."
            ) from error
        if self.sockets.is_symlink() or self.sockets.stat().st_uid != os.getuid():
            raise CannotStartError(
                f"{self.sockets} belongs to someone else: remove it, or choose a shorter LUNGRATER_HOME."
            )
