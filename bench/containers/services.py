"""The services of docker-compose.yml as confined processes: their commands, variables, secrets, mounts, users."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.containers.build import PATH, Image
from bench.containers.dockerfile import filled

STARTS_WITHIN = 180.0
NAMES = ("postgres", "redis", "web")  # what one container calls another: all are this machine here


class ServiceError(Exception):
    """A service did not do what it is there for; the message is what it said."""


@dataclass(frozen=True)
class Composition:
    """docker-compose.yml with its variables filled in, and the folders that stand for its volumes."""

    services: Mapping[str, dict[str, Any]]
    secrets: Path
    volumes: Path
    logs: Path

    @classmethod
    def read(cls, context: Path, folder: Path, values: Mapping[str, str]) -> Composition:
        text = filled((context / "docker-compose.yml").read_text(), values)
        deploy = folder / "deploy"
        deploy.mkdir()
        shutil.copy2(context / "deploy" / "make-secrets", deploy)
        subprocess.run([deploy / "make-secrets"], check=True, stdout=subprocess.DEVNULL)
        (deploy / "secrets").chmod(0o711)  # an engine mounts each file by itself
        logs = folder / "logs"
        logs.mkdir()
        hosts = "".join(f"127.0.0.1 {name}\n" for name in ("localhost", *NAMES))
        (folder / "hosts").write_text(hosts)
        return cls(yaml.safe_load(text)["services"], deploy / "secrets", folder / "volumes", logs)

    def confined(self, name: str, image: Image, *command: str) -> list[str]:
        """The words that run a service, or another command in its place: read-only root, /tmp, its own mounts and user."""
        service = self.services[name]
        words = ["bwrap", "--ro-bind", str(image.root), "/", "--proc", "/proc", "--dev", "/dev"]
        for folder in ("/tmp", "/dev/shm"):
            words += ["--perms", "1777", "--tmpfs", folder]
        words += ["--tmpfs", "/run"]
        words += ["--dir", "/run/secrets", "--chmod", "0755", "/run/secrets"]
        words += ["--ro-bind", str(self.logs.parent / "hosts"), "/etc/hosts"]
        for secret in service.get("secrets", []):
            words += ["--ro-bind", str(self.secrets / secret), f"/run/secrets/{secret}"]
        for mount in service.get("volumes", []):
            volume, target = mount.split(":")[:2]
            words += ["--bind", str(self.volume(volume, image, target)), target]
        words += [
            "--unshare-pid",
            "--unshare-ipc",
            "--die-with-parent",
            "--chdir",
            image.folder,
            "--clearenv",
        ]
        for key, value in {"PATH": PATH, **image.environment, **service["environment"]}.items():
            words += ["--setenv", key, "" if value is None else str(value)]
        user, group = image.account()
        leave = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        return [*words, *leave, *(command or service["command"])]

    def volume(self, name: str, image: Image, target: str) -> Path:
        """A named volume, which an engine fills at first with what the image has there, owner and rights too."""
        folder = self.volumes / name
        if not folder.exists():
            folder.parent.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", str(image.root / target.lstrip("/")), str(folder)], check=True)
        return folder

    def run(self, name: str, image: Image, *command: str) -> str:
        """A command to its end, as `docker compose run NAME COMMAND` does. Raises ServiceError."""
        words = self.confined(name, image, *command)
        done = subprocess.run(words, capture_output=True, text=True, timeout=STARTS_WITHIN, check=False)
        if done.returncode:
            raise ServiceError(f"{name} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout

    @contextlib.contextmanager
    def running(self, name: str, words: list[str], **others: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A service while the block lasts; how it ends is the block's or this one's doing."""
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, **others)
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)


@contextlib.contextmanager
def postgres(composition: Composition, programs: Path, user: str) -> Iterator[None]:
    """Debian's, with the owner, the database and the password that the compose file names."""
    service = composition.services["postgres"]["environment"]
    data = composition.volumes / "postgres"
    data.mkdir(parents=True)
    shutil.chown(data, user, user)
    words = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "-U", service["POSTGRES_USER"]]
    password = composition.secrets / "postgres_owner_password"
    subprocess.run(
        [programs / "initdb", "-D", data, *words, f"--pwfile={password}"],
        check=True,
        user=user,
        stdout=subprocess.DEVNULL,
    )
    server = [str(programs / "postgres"), "-D", str(data), "-c", "listen_addresses=127.0.0.1", "-k", ""]
    with composition.running("postgres", server, user=user):
        address = f"postgresql://{service['POSTGRES_USER']}:{password.read_text()}@127.0.0.1/postgres"
        psql = [str(programs / "psql"), address, "-c"]
        wait_until(lambda: succeeds([*psql, "SELECT 1"]), "postgres")
        subprocess.run(
            [*psql, f"CREATE DATABASE {service['POSTGRES_DB']}"], check=True, stdout=subprocess.DEVNULL
        )
        yield


@contextlib.contextmanager
def redis(composition: Composition) -> Iterator[None]:
    data = composition.volumes / "redis"
    data.mkdir(parents=True)
    command = [*composition.services["redis"]["command"], "--bind", "127.0.0.1", "--dir", str(data)]
    with composition.running("redis", command):
        wait_until(lambda: succeeds(["redis-cli", "ping"]), "redis")
        yield


def succeeds(words: list[str]) -> bool:
    done = subprocess.run(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10, check=False
    )
    return done.returncode == 0


def wait_until(happened: Callable[[], bool], what: str, seconds: float = STARTS_WITHIN) -> float:
    """Seconds it took. Raises TimeoutError."""
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what} is not there after {seconds:.0f} s")
        time.sleep(0.2)
    return time.monotonic() - began
