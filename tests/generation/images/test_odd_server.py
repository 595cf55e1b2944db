"""Every oddity of the server in ../shared that answers oddly on purpose, through a whole job each."""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from generation.images import runner
from generation.images.engines import openai_images
from generation.images.engines.openai_images import OpenAIImagesEngine
from generation.images.prices.table import TYPED
from generation.models import GenerationJob
from outbound.retry import Patience
from tests.generation.makers import make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_rings")]

# Prompt → the job's state, how often it may be asked for one image, and words of the outcome or of the error.
GOOD = ("succeeded", 1, "")
UNANSWERED = ("failed", 2, "may have been made and billed")
BLOCKED = ("failed", 1, "safety system")
NO_IMAGE = ("failed", 1, "nothing in place of")
EXPECTED: dict[str, tuple[str, int, str]] = {
    **dict.fromkeys(("ok", "usage", "revised", "slow 1", "urldata", "datauri"), GOOD),
    **dict.fromkeys(("lines", "unpadded", "same"), GOOD),
    **dict.fromkeys(("drip", "reset", "hangup"), UNANSWERED),
    **dict.fromkeys(("moderation", "content_filter"), BLOCKED),
    **dict.fromkeys(("number", "empty", "null", "absent", "dict", "strings", "list", "html"), NO_IMAGE),
    "429": ("succeeded", 3, ""),
    "429long": ("succeeded", 2, ""),
    "500": ("succeeded", 3, ""),
    "500forever": ("failed", 3, "500 to every attempt"),
    "html503": ("failed", 3, "503 to every attempt"),
    "huge 4": ("failed", 1, "larger than"),
    "401": ("paused", 1, "key was not accepted"),
    "quota": ("paused", 1, "out of quota"),
    "model": ("paused", 1, "no model"),
    "sizes": ("failed", 1, "width and height must be divisible by 16"),
    "contentFilter": ("failed", 1, "Your task failed because of our safety system."),
    "safety": ("failed", 1, "Rejected as a result of our safety system."),
    "unknown": ("succeeded", 2, ""),
    "url": ("failed", 1, "a link, which LungRater never follows"),
    "othersize": ("failed", 1, "128x256, but 256x256"),
    "cut": ("failed", 1, "cut short"),
    "svg": ("failed", 1, "Not an allowed image type"),
    "bomb": ("failed", 1, "not taken"),
    "htmljson": ("failed", 1, "not an Images API reply"),
}
NEVER_WHOLE = "drip"  # a byte a second, for longer than anybody waits
MODERATED = ("moderation", "content_filter", "contentFilter", "safety")


@pytest.fixture
def odd(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The server's module, served."""
    spec = importlib.util.spec_from_file_location(
        "odd_images_api", shared_data.parent / "tools/odd_images_api.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr(module, "bomb", functools.cache(module.bomb))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setattr(openai_images, "MOST_BYTES", 3 * 2**20)
    monkeypatch.setattr(runner, "engine_of", lambda job: _engine(job, server.server_port))
    yield module
    server.shutdown()
    server.server_close()


def _engine(job: GenerationJob, port: int) -> OpenAIImagesEngine:
    patience = Patience(attempts=3, first_pause=0.001, longest_pause=0.001)
    address = f"http://127.0.0.1:{port}/v1"
    seconds = 3.0 if job.prompt == NEVER_WHOLE else 60.0
    return OpenAIImagesEngine(job.api_model, base_url=address, patience=patience, seconds_per_reply=seconds)


def job_of(prompt: str, *, total: int = 1, model: str = "a-model", **fields: Any) -> GenerationJob:
    values = {"price": Decimal("0.01"), "settings": {"size": "256x256"}, **fields}
    return make_job(engine="openai", api_model=model, prompt=prompt, total=total, **values)


@pytest.mark.parametrize("prompt", EXPECTED)
def test_every_oddity_ends_in_an_outcome_with_words_after_no_more_requests_than_are_safe(
    odd: Any, prompt: str
) -> None:
    state, requests, words = EXPECTED[prompt]
    job = job_of(prompt)
    if prompt == "bomb":
        odd.bomb()  # which takes its seconds, before anybody waits for it

    job.perform()

    job.refresh_from_db()
    reasons = " ".join([job.error, *job.outcomes.values_list("reason", flat=True)])
    assert (job.state, len(odd.asked)) == (state, requests), reasons
    assert words in reasons
    assert job.outcomes.filter(outcome="made").count() == (1 if state == "succeeded" else 0)


def test_the_table_names_every_oddity_of_the_server(odd: Any) -> None:
    assert {prompt.split()[0] for prompt in EXPECTED} == set(odd.ODD)


@pytest.mark.parametrize("prompt", MODERATED)
def test_one_moderated_prompt_costs_its_own_image_and_no_other(odd: Any, prompt: str) -> None:
    job = job_of("x", total=2, image_specs=[{"prompt": prompt, "label": ""}, {"prompt": "ok", "label": ""}])

    job.perform()

    assert sorted(job.outcomes.values_list("outcome", flat=True)) == ["made", "refused"]
    assert job.state == "succeeded"


@pytest.mark.parametrize("prompt", ["url", "othersize", "html"])
def test_two_replies_that_can_never_be_used_pause_the_job_before_a_third_is_paid_for(
    odd: Any, prompt: str
) -> None:
    job = job_of(prompt, total=12)

    job.perform()

    assert (job.state, len(odd.asked)) == ("paused", 2)
    assert "The last 2 replies were paid for and could not be used" in job.error
    assert job.spent == Decimal("0.02")


def test_what_the_reply_says_of_its_settings_and_tokens_stands_in_the_provenance(odd: Any) -> None:
    job = job_of("usage", model="gpt-image-1.5", settings={"size": "auto"})

    job.perform()

    facts = job.dataset.images.get().provenance
    assert facts["usage"] == {"input_tokens": 15, "input_image_tokens": 0, "output_tokens": 4160}
    assert (facts["resolved_quality"], facts["resolved_size"]) == ("medium", "256x256")
    assert facts["resolved_background"] == "opaque"


def test_the_tokens_of_a_reply_are_what_was_spent_unless_a_person_typed_a_price(odd: Any) -> None:
    by_table = job_of("usage", model="gpt-image-1.5", price=None, settings={"size": "auto"})
    by_hand = job_of("usage 2", model="gpt-image-1.5", settings={"size": "auto", "priced_by": TYPED})

    by_table.perform()
    by_hand.perform()

    assert by_table.spent == Decimal(
        "0.1332"
    )  # 15 tokens at 5 and 4,160 at 32 dollars a million, to four digits
    assert by_hand.spent == Decimal("0.01")


def test_a_setting_the_server_does_not_know_is_left_out_of_the_provenance_too(odd: Any) -> None:
    job = job_of("unknown")

    job.perform()

    assert "response_format" not in job.dataset.images.get().provenance
    assert ["response_format" in body for body in odd.asked] == [True, False]
