"""LungRater as pip installs it: a wheel of this checkout in an environment that borrows everything else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ENDS_WITHIN = 180.0


def build_wheel(source: Path, folder: Path) -> Path:
    """Without a network: the build backend is one of the tools of development."""
    options = ["--quiet", "--no-build-isolation", "--no-deps", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=ENDS_WITHIN)
    [wheel] = folder.glob("lungrater-*.whl")
    return wheel


@dataclass(frozen=True)
class Installation:
    environment: Path
    folder: Path  # an empty one, where a person stands

    @property
    def program(self) -> Path:
        return self.environment / "bin" / "lungrater"

    @property
    def variables(self) -> dict[str, str]:
        """As in a fresh terminal: no word of this checkout, no home but the folder's own `var/`."""
        ours = {"DATABASE_URL", "REDIS_URL", "LUNGRATER_HOME", "PYTHONPATH", "DJANGO_SETTINGS_MODULE"}
        return {name: value for name, value in os.environ.items() if name not in ours}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN,
            check=False,
        )

    def python(self, line: str) -> str:
        command = [str(self.environment / "bin" / "python"), "-c", line]
        done = subprocess.run(
            command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def install(wheel: Path, root: Path) -> Installation:
    """The wheel by itself; what it needs is read from where the tests have it, so no gigabytes are copied."""
    environment, folder = root / "environment", root / "empty folder"
    folder.mkdir()
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel)]
    subprocess.run(command, check=True, capture_output=True, timeout=ENDS_WITHIN)
    [site_packages] = environment.glob("lib/python*/site-packages")
    borrowed = [entry for entry in sys.path if entry.endswith("site-packages")]
    (site_packages / "borrowed.pth").write_text("\n".join(borrowed))
    return Installation(environment, folder)
