"""Time from a key press to the next image painted, and what the rating page weighs; in a real browser.

Starts its own database, web server and browser, on a home of its own, and ends them all:

    python bench/rating_page.py --json
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

REPOSITORY = Path(__file__).resolve().parent.parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# From the key's own time stamp to the end of the frame that holds the next image: an animation frame runs
# just before painting, a message posted in it just after.
WATCH = """() => {
  window.times = [];
  const canvas = document.querySelector('canvas');
  addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    const before = canvas.dataset.token;
    const pressed = event.timeStamp;
    const look = () => {
      const now = canvas.dataset.token;
      if (!now || now === before) return requestAnimationFrame(look);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.times.push(performance.now() - pressed);
      port2.postMessage(null);
    };
    requestAnimationFrame(look);
  }, { capture: true });
}"""
WINDOW = """async () => {
  const level = document.querySelector('[data-level]');
  const times = [];
  for (let i = 0; i < 60; i++) {
    await new Promise(requestAnimationFrame);
    const begin = performance.now();
    level.value = 30 + (i % 40);
    level.dispatchEvent(new Event('input'));
    times.push(performance.now() - begin);
  }
  return times;
}"""
DECODE = """async (url) => {
  const bytes = await (await fetch(url)).arrayBuffer();
  const worker = new Worker('/static/js/reading/png.js', { type: 'module' });
  const decoded = () => new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve({ ...data.image, panes: [data.image.pixels] });
    worker.postMessage({ id: 1, bytes });
  });
  await decoded();
  const { Viewer } = await import('/static/js/reading/viewer.js');
  const stage = document.createElement('div');
  const canvas = stage.appendChild(document.createElement('canvas'));
  const viewer = new Viewer(stage, [canvas]);
  const times = [];
  for (let i = 0; i < 10; i++) {
    const begin = performance.now();
    viewer.show(await decoded(), 'x');
    times.push(performance.now() - begin);
  }
  return times;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument(
        "--images", type=int, default=101, help="images in the sitting (default: %(default)s)"
    )
    parser.add_argument("--side", type=int, default=512, help="side of the canvas (default: %(default)s)")
    parser.add_argument("--bits", type=int, default=8, choices=[8, 16])
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    options = parser.parse_args()
    with home():
        measured = measure(options)
    print(json.dumps(measured, indent=None if options.json else 2))


@contextmanager
def home(kept: str = "") -> Iterator[None]:
    """A home with PostgreSQL, Redis and Django ready in it: this folder, or one that is thrown away."""
    folder = kept or tempfile.mkdtemp(prefix="lr-bench-")
    os.environ |= {"LUNGRATER_HOME": folder, "DJANGO_SETTINGS_MODULE": "lungrater.settings"}
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    os.environ["LOG_LEVEL"] = "ERROR"
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL"):
        os.environ.pop(name, None)
    sys.path.insert(0, str(REPOSITORY))
    from lungrater.embedded.running import running

    try:
        with running(who="bench"):
            import django

            django.setup()
            from lungrater.embedded.migrate import migrate_if_needed

            migrate_if_needed()
            yield
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    slug, cookie = sitting(options)
    with web() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": url}])
        page = context.new_page()
        loaded: list[Any] = []
        page.on("requestfinished", lambda request: loaded.append(sized(request)))
        page.goto(f"/reading/{slug}/")
        wait(page, "() => document.querySelector('canvas').dataset.token")
        page.wait_for_timeout(1000)
        cold = [entry for entry in loaded if not entry["image"]]
        loaded.clear()
        first = page.evaluate("() => document.querySelector('canvas').dataset.token")
        windowing = page.evaluate(WINDOW)
        decoding = page.evaluate(DECODE, f"/i/{first}")
        loaded.clear()
        times = read(page, options.images - 1)
        browser.close()
    per_image = len(loaded) / len(times)
    return {
        "key_to_next_image_ms": {**summary(times), "n": len(times)},
        "page": {"requests": len(cold), "bytes": sum(entry["bytes"] for entry in cold)},
        "per_image": {
            "requests": round(per_image, 2),
            "bytes": round(sum(entry["bytes"] for entry in loaded) / len(times)),
        },
        "window_change_ms": summary(windowing),
        "first_paint_after_bytes_ms": summary(decoding),
        "images": {"side": options.side, "bits": options.bits},
    }


def read(page: Any, count: int) -> list[float]:
    """Judge so many images by key, each once its own has been painted."""
    page.evaluate(WATCH)
    for done in range(count):
        page.keyboard.press("123"[done % 3])
        page.keyboard.press("Enter")
        wait(page, f"() => window.times.length > {done}")
        page.wait_for_timeout(150)  # nobody judges faster
    return list(page.evaluate("() => window.times"))


def wait(page: Any, script: str) -> None:
    deadline = time.monotonic() + 30
    while not page.evaluate(script):
        if time.monotonic() > deadline:
            sys.exit(f"The page never came so far: {script}")
        page.wait_for_timeout(10)


def sized(request: Any) -> dict[str, Any]:
    sizes = request.sizes()
    return {
        "image": urlsplit(request.url).path.startswith("/i/"),
        "bytes": sizes["responseHeadersSize"] + sizes["responseBodySize"],
    }


def summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
    }


def sitting(options: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """An open study of lung-like phantoms with one rater; its slug and the rater's session cookie."""
    import numpy as np
    from django.conf import settings
    from django.test import Client

    from accounts.models import User
    from accounts.roles import Role
    from pool.imports.store import add_image
    from pool.models import Dataset
    from rating.models import Enrolment, Freeze, Stratum, Study

    rater = User.objects.create_user("rater@example.org")
    organiser = User.objects.create_user("organiser@example.org", role=Role.RESEARCHER)
    study = Study.objects.create(name="Bench", canvas=options.side, bits=options.bits)
    noise = np.random.default_rng(1)
    for origin in ("real", "synthetic"):
        dataset = Dataset.objects.create(name=origin, origin=origin, modality="xray")
        count = options.images // 2 + (options.images % 2 if origin == "real" else 0)
        for _ in range(count):
            add_image(dataset, phantom(noise, options.side, options.bits))
        Stratum.objects.create(study=study, dataset=dataset, count=count)
    Enrolment.enrol(study, rater).consent()
    freeze = Freeze.objects.create(study=study)
    freeze.perform()
    study.refresh_from_db()
    study.open(organiser)
    client = Client()
    client.force_login(rater, backend="accounts.sign_in.backend.SignInBackend")
    name = settings.SESSION_COOKIE_NAME
    return study.slug, {"name": name, "value": client.cookies[name].value}


def phantom(noise: Any, side: int, bits: int) -> Any:
    """A grainy chest of its own make: about as hard to compress as a radiograph, and no copy of another."""
    import numpy as np
    from scipy.ndimage import zoom

    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    chest = 0.5 + zoom(noise.normal(0, 0.2, (7, 7)), side / 7, order=3, grid_mode=True, mode="nearest")
    for middle in (-0.42, 0.42):
        chest -= 0.2 * np.exp(-(((x - middle) / 0.28) ** 4) - ((y / 0.6) ** 4))
    chest += 0.03 * np.sin(18 * y + 4 * x**2) + noise.normal(0, 0.01, (side, side))
    top = 2**bits - 1
    return (np.clip(chest, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16)


@contextmanager
def web(others: Sequence[str] = ()) -> Iterator[str]:
    """The web server as `lungrater up` starts it, or another by its command line, which names host and port."""
    from lungrater.embedded.commands import web as command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, *(word.format(host="127.0.0.1", port=port) for word in others)]
    process = subprocess.Popen(words if others else command(bind=f"127.0.0.1:{port}"), cwd=REPOSITORY)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with suppress(URLError, ConnectionError, TimeoutError):
                urlopen(f"{url}/accounts/login/", timeout=5).close()
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


if __name__ == "__main__":
    main()
