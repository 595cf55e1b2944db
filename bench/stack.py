"""Time from an arrow key to the next slice painted, in a series of 300 slices of 512² pixels; in a real browser.

Starts its own database, web server and browser, on a home of its own, and ends them all:

    python bench/stack.py --json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.rating_page import FLAGS, home, phantom, summary, wait, web

# From the key's own time stamp to the end of the frame that holds the slice, as in rating_page.
WATCH = """() => {
  window.times = [];
  const canvas = document.querySelector('canvas');
  addEventListener('keydown', (event) => {
    if (!['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End'].includes(event.key)) return;
    const before = canvas.dataset.slice;
    const pressed = event.timeStamp;
    const look = () => {
      if (canvas.dataset.slice === before) return requestAnimationFrame(look);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.times.push(performance.now() - pressed);
      port2.postMessage(null);
    };
    requestAnimationFrame(look);
  }, { capture: true });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--slices", type=int, default=300, help="of each image (default: %(default)s)")
    parser.add_argument("--side", type=int, default=512, help="side of the canvas (default: %(default)s)")
    parser.add_argument("--bits", type=int, default=16, choices=[8, 16])
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    options = parser.parse_args()
    with home():
        measured = measure(options)
    print(json.dumps(measured, indent=None if options.json else 2))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    slug, cookie = sitting(options)
    with web() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": url}])
        page = context.new_page()
        page.goto(f"/reading/{slug}/")
        wait(page, "() => document.querySelector('canvas').dataset.slice")
        page.wait_for_timeout(1500)
        page.evaluate(WATCH)
        steps = options.slices // 2 - 1
        slow = press(page, ["ArrowDown"] * steps, pause=60)
        held = press(page, ["ArrowUp"] * (2 * steps), pause=0)
        far = press(page, far_keys(), pause=1000)
        browser.close()
    return {
        "next_slice_ms": {**with_p99(slow), "n": len(slow)},
        "next_slice_held_key_ms": {**with_p99(held), "n": len(held)},
        "far_slice_ms": {**with_p99(far), "n": len(far)},
        "stack": {"slices": options.slices, "side": options.side, "bits": options.bits},
    }


def press(page: Any, keys: list[str], *, pause: int) -> list[float]:
    """Press these keys one after another, each once the slice before is painted."""
    page.evaluate("() => { window.times.length = 0; }")
    for done, key in enumerate(keys):
        page.keyboard.press(key)
        wait(page, f"() => window.times.length > {done}")
        page.wait_for_timeout(pause)
    return list(page.evaluate("() => window.times"))


def far_keys() -> list[str]:
    """To the ends and back, farther than slices are held."""
    return ["End", "Home"] * 10


def with_p99(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {**summary(ordered), "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1)}


def sitting(options: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """An open study of one real and one generated stack with one rater; its slug and the rater's session cookie."""
    import numpy as np
    from django.conf import settings
    from django.test import Client

    from accounts.models import User
    from accounts.roles import Role
    from pool.canonical.pixels import STORED_LEVEL, encode_png, perceptual_hash, pixel_sha256
    from pool.models import Dataset, Image
    from pool.storage.insertion import insert_stack
    from pool.storage.slices import SliceFile
    from rating.models import Enrolment, Freeze, Stratum, Study

    rater = User.objects.create_user("rater@example.org")
    organiser = User.objects.create_user("organiser@example.org", role=Role.RESEARCHER)
    study = Study.objects.create(name="Bench", canvas=options.side, bits=options.bits)
    noise = np.random.default_rng(1)
    middle = options.slices // 2 + 1
    for origin in ("real", "synthetic"):
        dataset = Dataset.objects.create(name=origin, origin=origin, modality="ct")
        slices = series(noise, options)
        own = next(pixels for number, pixels in slices() if number == middle)
        image = Image(
            dataset=dataset,
            origin=origin,
            modality="ct",
            pixel_sha256=pixel_sha256(own),
            perceptual_hash=perceptual_hash(own),
            width=options.side,
            height=options.side,
            bits=options.bits,
            slices=options.slices,
        )
        others = (
            SliceFile(number, encode_png(pixels, level=STORED_LEVEL), pixel_sha256(pixels))
            for number, pixels in slices()
            if number != middle
        )
        insert_stack(image, encode_png(own), others)
        Stratum.objects.create(study=study, dataset=dataset, count=1)
    Enrolment.enrol(study, rater).consent()
    Freeze.objects.create(study=study).perform()
    study.refresh_from_db()
    study.open(organiser)
    client = Client()
    client.force_login(rater, backend="accounts.sign_in.backend.SignInBackend")
    name = settings.SESSION_COOKIE_NAME
    return study.slug, {"name": name, "value": client.cookies[name].value}


def series(noise: Any, options: argparse.Namespace) -> Any:
    """A phantom that moves through the image from slice to slice, grainy in each, the same each time it is asked for."""
    import numpy as np

    first = phantom(noise, options.side, options.bits)
    grain = noise.integers(0, 2 ** (options.bits - 6), first.shape, dtype=first.dtype)

    def slices() -> Iterator[tuple[int, Any]]:
        for number in range(1, options.slices + 1):
            yield number, np.roll(first, number, axis=1) // 2 + np.roll(grain, 7 * number, axis=0)

    return slices


if __name__ == "__main__":
    main()
