"""Build the images of the Dockerfile as file trees and run the services of docker-compose.yml in them.

    python -m bench.containers [--folder FOLDER] [--web-only]

No container engine: each step and each service runs in bubblewrap, on Debian's packages in the place of
python:3.11-slim-bookworm, with Debian's PostgreSQL 15, Redis 7 and Caddy in the place of their images. What holds is the
rest: the steps, what they copy, the commands, variables, secrets, mounts, the user without rights and the root that
nobody writes. Needs root, and Debian's debootstrap, bubblewrap, postgresql-15, redis-server and caddy. The first run
takes minutes, most of them for Debian and pip; the tree of Debian is kept in FOLDER.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import yaml

from bench.containers.build import Image, base_tree, build, packed_bytes
from bench.containers.dockerfile import filled
from bench.containers.services import Composition, postgres, redis, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
POSTGRES = Path("/usr/lib/postgresql/15/bin")
SITE = "localhost"
JOB_ENDS_WITHIN = 300.0
BUILT = "images.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lungrater-containers")
    parser.add_argument("--web-only", action="store_true", help="leave out the worker's image, with torch")
    parser.add_argument("--built", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder: Path = options.folder
    if not options.built:
        build_images(folder, web_only=options.web_only)
        # In a network of its own, every port is free and nothing but this machine can be reached.
        again = [sys.executable, "-m", "bench.containers", "--built", "--folder", str(folder)]
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", f"ip link set lo up && exec {' '.join(again)}"])
    run_services(read(folder), folder / "site")


def read(folder: Path) -> dict[str, Image]:
    """The images as they were built before the network was left."""
    facts: dict[str, dict[str, Any]] = json.loads((folder / BUILT).read_text())
    return {name: Image(**{**image, "root": Path(image["root"])}) for name, image in facts.items()}


def build_images(folder: Path, *, web_only: bool) -> None:
    base = base_tree(folder / "debian")
    facts = {}
    for name, service in (("web", "web"), ("worker", "light")):
        if name == "worker" and web_only:
            continue
        began = time.monotonic()
        image = build(REPOSITORY, made(folder / name), base, build_arguments(service))
        size = packed_bytes(image, base) / 1e6
        say(f"image {name}", f"{size:,.0f} MB packed beside its base", time.monotonic() - began)
        facts[name] = {**vars(image), "root": str(image.root)}
    (folder / BUILT).write_text(json.dumps(facts))


def build_arguments(service: str) -> dict[str, str]:
    """With which docker-compose.yml builds the image of this service."""
    text = filled((REPOSITORY / "docker-compose.yml").read_text(), {"ALLOWED_HOSTS": SITE})
    return dict(yaml.safe_load(text)["services"][service]["build"]["args"])


def run_services(images: dict[str, Image], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    made(folder).chmod(0o711)
    site = Composition.read(REPOSITORY, folder, {"ALLOWED_HOSTS": SITE})
    web, worker = images["web"], images.get("worker")
    with contextlib.ExitStack() as stack:
        stack.enter_context(postgres(site, POSTGRES, "postgres"))
        stack.enter_context(redis(site))
        began = time.monotonic()
        site.run("migrate", web)
        say("migrate", "ended with 0", time.monotonic() - began)
        server = stack.enter_context(site.running("web", site.confined("web", web)))
        inside = httpx2.Client(base_url="http://127.0.0.1:8000", headers={"Host": "web"}, timeout=10)
        say("web", "/livez answers", wait_until(lambda: answers(inside, "/livez"), "web"))
        say("web", "/readyz answers", wait_until(lambda: answers(inside, "/readyz"), "web"))
        stack.enter_context(site.running("beat", site.confined("beat", web)))
        outside = stack.enter_context(caddy(site))
        say("caddy", "TLS, /readyz answers", wait_until(lambda: answers(outside, "/readyz"), "caddy"))
        sign_in(site, web, outside)
        if worker:
            work(site, worker, outside, stack)
        began = time.monotonic()
        inside_bubblewrap(server).send_signal(signal.SIGTERM)
        code = server.wait(30)
        say("web", f"SIGTERM, ended with {code}", time.monotonic() - began)


def inside_bubblewrap(process: subprocess.Popen[bytes]) -> psutil.Process:
    """The service itself, which an engine would send its signals to."""
    return next(
        child for child in psutil.Process(process.pid).children(recursive=True) if child.name() != "bwrap"
    )


def answers(client: httpx2.Client, page: str) -> bool:
    try:
        return client.get(page).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


@contextlib.contextmanager
def caddy(site: Composition) -> Iterator[httpx2.Client]:
    """A client of Debian's Caddy with our Caddyfile, which trusts the certificate that Caddy made for this machine."""
    data = made(site.volumes / "caddy")
    words = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    words += ["--bind", str(data), "/mnt", "--ro-bind", str(site.logs.parent / "hosts"), "/etc/hosts"]
    words += [
        "--setenv",
        "XDG_DATA_HOME",
        "/mnt",
        "--setenv",
        "XDG_CONFIG_HOME",
        "/mnt",
        "--setenv",
        "HOME",
        "/mnt",
    ]
    words += ["--setenv", "SITE_ADDRESS", SITE, "--setenv", "UPSTREAM", "web:8000", "--die-with-parent"]
    words += ["caddy", "run", "--config", str(REPOSITORY / "deploy" / "Caddyfile"), "--adapter", "caddyfile"]
    root = data / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with site.running("caddy", words):
        wait_until(root.exists, "caddy's certificate")
        with httpx2.Client(base_url=f"https://{SITE}", verify=str(root), timeout=10) as client:
            yield client


def sign_in(site: Composition, web: Image, browser: httpx2.Client) -> None:
    made = site.run("web", web, "lungrater", "person", "admin@example.org", "--role", "admin")
    path = urlsplit(made.split()[0]).path
    page = browser.get(path)
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[:1]
    browser.post(path, data={"csrfmiddlewaretoken": token}, headers={"Referer": f"https://{SITE}{path}"})
    for address in ("/", "/studies/", "/docs/"):
        answer = browser.get(address, follow_redirects=True)
        say(
            "caddy",
            f"{address} {answer.status_code} for an admin who came by a link",
            answer.elapsed.total_seconds(),
        )


def work(site: Composition, worker: Image, browser: httpx2.Client, stack: contextlib.ExitStack) -> None:
    """Drawings by the light worker, samples by the other, a backup, and all parts well."""
    for name in ("light", "worker", "trainer"):
        stack.enter_context(site.running(name, site.confined(name, worker)))
    for engine, queue in (("phantom", "cpu"), ("diffusion", "gpu")):
        model = ["--model", "phantom-lungs"] if engine == "diffusion" else []
        began = time.monotonic()
        words = (
            "generate",
            f"--engine={engine}",
            "--count=2",
            "--seed=1",
            f"--dataset={engine}",
            "--queue",
            *model,
        )
        site.run("web", worker, "lungrater", *words)
        wait_until(lambda: done(site, worker) == 0, f"a worker for {queue}", JOB_ENDS_WITHIN)
        say(f"queue {queue}", "two images made", time.monotonic() - began)
    say("healthz", "all parts are well", wait_until(lambda: answers(browser, "/healthz"), "health"))
    began = time.monotonic()
    site.run("light", worker, "lungrater", "backup", "/backups/first.backup")
    say("light", "a backup stands in its volume", time.monotonic() - began)


def done(site: Composition, image: Image) -> int:
    """How many jobs are not over."""
    jobs = json.loads(site.run("web", image, "lungrater", "jobs", "list", "--json"))
    return sum(job["state"] in {"queued", "running", "paused"} for job in jobs)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def say(what: str, outcome: str, seconds: float) -> None:
    print(f"{what:12} {outcome:60} {seconds:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
