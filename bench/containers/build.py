"""The file tree of an image, by the Dockerfile's own steps: each RUN in bubblewrap, on a tree of Debian's packages."""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.containers.dockerfile import Stage, Step, assignments, command, stages_of

STEP_ENDS_WITHIN = 1800
MIRROR = "http://deb.debian.org/debian"
# What python:3.11-slim-bookworm is: Debian 12 with Python 3.11 and pip, and nothing that only other packages need.
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FROM_OUTSIDE = ("http_proxy", "https_proxy", "no_proxy", "PIP_FIND_LINKS", "PIP_CERT", "PIP_DEFAULT_TIMEOUT")


@dataclass
class Image:
    """A tree and what the Dockerfile says of how it runs."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    command: list[str] = field(default_factory=list)

    def account(self) -> tuple[int, int]:
        """The number of its user and of the user's group."""
        for line in (self.root / "etc" / "passwd").read_text().splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == self.user:
                return int(uid), int(gid)
        raise ValueError(f"the image has no user {self.user}")


def base_tree(folder: Path) -> Path:
    """Debian 12 with Python 3.11, made once."""
    if not (folder / "usr" / "bin" / "python3").exists():
        words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder), MIRROR]
        subprocess.run(words, check=True, timeout=STEP_ENDS_WITHIN, stdout=subprocess.DEVNULL)
    (folder / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    (folder / "etc/hosts").touch()  # an engine mounts its own there
    python = folder / "usr/local/bin/python"
    if not python.is_symlink():
        python.symlink_to("/usr/bin/python3")
    return folder


def build(context: Path, folder: Path, base: Path, arguments: Mapping[str, str]) -> Image:
    """The last stage's image. Raises CalledProcessError where a step fails."""
    images: dict[str, Image] = {}
    image = Image(base)
    for number, stage in enumerate(stages_of((context / "Dockerfile").read_text())):
        root = folder / f"stage-{number}"
        image = _built(stage, root, base, context=context, arguments=arguments, earlier=images)
        images[stage.name or str(number)] = image
    return image


def _built(
    stage: Stage,
    root: Path,
    base: Path,
    *,
    context: Path,
    arguments: Mapping[str, str],
    earlier: Mapping[str, Image],
) -> Image:
    if root.exists():
        shutil.rmtree(root)
    subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
    image, declared = Image(root), dict[str, str]()
    for step in stage.steps:
        if step.instruction == "ARG":
            declared |= {name: arguments.get(name, default) for name, default in assignments(step.value)}
        elif step.instruction == "RUN":
            _run(step.value, image, declared)
        else:
            _apply(step, image, context, earlier)
    return image


def _apply(step: Step, image: Image, context: Path, earlier: Mapping[str, Image]) -> None:
    match step.instruction:
        case "ENV":
            image.environment |= dict(assignments(step.value))
        case "WORKDIR":
            image.folder = step.value
            (image.root / step.value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "USER":
            image.user = step.value
        case "CMD":
            image.command = command(step.value)
        case "COPY":
            _copy(step.value, image, context, earlier)
        case "VOLUME" | "EXPOSE":
            pass
        case other:
            raise ValueError(f"the Dockerfile has {other}, which this does not know")


def _copy(value: str, image: Image, context: Path, earlier: Mapping[str, Image]) -> None:
    *sources, target = value.split()
    root = context
    if sources[0].startswith("--from="):
        root = earlier[sources.pop(0).removeprefix("--from=")].root
    into = image.root / os.path.normpath(f"{image.folder}/{target}").lstrip("/")
    ignored = _ignored(context) if root == context else []
    for pattern in sources:
        matches = sorted(root.glob(pattern.lstrip("/")))
        if not matches:
            raise FileNotFoundError(f"COPY {pattern}: there is no such file")
        for source in matches:
            if source.is_dir():
                shutil.copytree(source, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*ignored))
            elif target.endswith("/"):
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, into / source.name)
            else:
                shutil.copy2(source, into)


def _ignored(context: Path) -> list[str]:
    lines = (context / ".dockerignore").read_text().split()
    return [line.rsplit("/", 1)[-1] for line in lines if fnmatch.fnmatch(line, "*")]


def _run(line: str, image: Image, declared: Mapping[str, str]) -> None:
    outside = {name: os.environ[name] for name in FROM_OUTSIDE if name in os.environ}
    values = {"PATH": PATH, "HOME": "/root", **outside, **image.environment, **declared}
    certificates = ["--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs"]
    links = outside.get("PIP_FIND_LINKS", "")
    wheels = ["--ro-bind", links, links] if links.startswith("/") else []
    words = ["bwrap", "--bind", str(image.root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    words += ["--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf", *certificates, *wheels]
    words += ["--chdir", image.folder, "--clearenv", "--die-with-parent"]
    for name, value in values.items():
        words += ["--setenv", name, value]
    subprocess.run([*words, "/bin/sh", "-c", line], check=True, timeout=STEP_ENDS_WITHIN)


def packed_bytes(image: Image, base: Path) -> int:
    """What the image's own layers have when they are packed as a registry keeps them: all that the base has not."""
    pack = image.root.with_suffix(".tar.gz")
    with tarfile.open(pack, "w:gz", compresslevel=6) as archive:
        for path in sorted(image.root.rglob("*")):
            name = path.relative_to(image.root)
            ours = path.is_symlink() or path.is_file()
            if ours and not _is_of_base(path, base / name):
                archive.add(path, arcname=str(name), recursive=False)
    size = pack.stat().st_size
    pack.unlink()
    return size


def _is_of_base(path: Path, before: Path) -> bool:
    if path.is_symlink() or before.is_symlink():
        return before.is_symlink() and path.is_symlink()
    return before.exists() and before.stat().st_mtime_ns == path.stat().st_mtime_ns
