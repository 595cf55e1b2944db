"""Replies of the Images API of every shape but the right one: each slot gets a named outcome and is counted as spent."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from generation.images.engines import openai_images
from generation.images.engines.openai_images import OpenAIImagesEngine
from generation.images.engines.protocol import GenerationRequest, Refusal
from outbound.retry import Patience
from tests.generation.images_api import Answer, ImagesAPI, image_answer, serving
from tests.generation.makers import make_job


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[ImagesAPI]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-shapes")
    with serving() as server:
        settings.OPENAI_BASE_URL = server.url
        yield server


def saying(value: object, **headers: str) -> Answer:
    return Answer(body=json.dumps(value).encode(), headers=headers)


IMAGE = base64.b64encode(b"no image").decode()
SHAPES = {
    "html": Answer(body=b"<html>Welcome to the proxy", headers={"Content-Type": "text/html"}),
    "html called json": Answer(body=b"<html>"),
    "nothing": Answer(body=b""),
    "null": saying(None),
    "a number": saying(7),
    "a text": saying("ok"),
    "a list": saying([1, 2]),
    "data is a text": saying({"data": "x"}),
    "data is a number": saying({"data": 7}),
    "data is an object": saying({"data": {"b64_json": IMAGE}}),
    "images are texts": saying({"data": ["x", "y"]}),
    "images are numbers": saying({"data": [1]}),
    "images are lists": saying({"data": [[]]}),
    "base64 is a number": saying({"data": [{"b64_json": 7}]}),
    "base64 is a list": saying({"data": [{"b64_json": [IMAGE]}]}),
    "base64 is no ASCII": saying({"data": [{"b64_json": "ü"}]}),
    "no image": saying({"data": [{"b64_json": IMAGE}], "created": "yesterday"}),
    "nested too deep": Answer(body=b"[" * 100_000),
    "no UTF-8": Answer(body=b'{"data": "\xff"}'),
    "packed": Answer(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.django_db
def test_a_reply_of_another_shape_costs_its_own_slot_and_no_other(api: ImagesAPI, shape: str) -> None:
    job = make_job(
        engine="openai",
        api_model="dall-e-2",
        prompt="x-ray",
        price=Decimal("0.016"),
        settings={"size": "256x256"},
        total=3,
    )
    api.script = [SHAPES[shape]]

    job.perform()

    assert job.state == "succeeded", job.error
    outcomes = list(job.outcomes.values_list("outcome", flat=True))
    assert sorted(outcomes) == ["failed", "made", "made"]
    assert job.outcomes.get(outcome="failed").reason
    assert job.spent == Decimal("0.016") * 3
    assert len(api.asked) == 3, "what was answered is not asked again"


@pytest.mark.django_db
def test_fields_beside_the_image_may_be_anything(api: ImagesAPI) -> None:
    right = image_answer().body
    assert isinstance(right, dict)
    odd = {"created": {"a": 1}, "data": [{**right["data"][0], "revised_prompt": ["a", "list"]}]}
    job = make_job(
        engine="openai", api_model="dall-e-2", prompt="x-ray", settings={"size": "256x256"}, total=1
    )
    api.script = [saying(odd)]

    job.perform()

    assert job.state == "succeeded", job.error
    image = job.dataset.images.get()
    assert (image.provenance["revised_prompt"], image.provenance["created"]) == ("", None)


def refusal(api: ImagesAPI, *, seconds_per_reply: float = 30.0) -> Refusal:
    request = GenerationRequest(modality="xray", prompt="x-ray", settings={"size": "256x256"})
    patience = Patience(attempts=3, first_pause=0.001)
    engine = OpenAIImagesEngine(
        "dall-e-2", base_url=api.url, patience=patience, seconds_per_reply=seconds_per_reply
    )
    [answer] = engine.generate(request, range(1))
    assert isinstance(answer, Refusal)
    return answer


def test_a_reply_that_is_too_large_is_left_unread_and_not_asked_for_again(
    api: ImagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_images, "MOST_BYTES", 10_000)
    api.script = [saying({"data": [{"b64_json": "A" * 1_000_000}]})]

    answer = refusal(api)

    assert "larger than an image can be" in answer.reason
    assert (answer.outcome, answer.billed, len(api.asked)) == ("failed", 1, 1)


def test_a_reply_that_takes_too_long_is_asked_for_once_more_and_both_are_counted(api: ImagesAPI) -> None:
    api.delay = 1.0

    answer = refusal(api, seconds_per_reply=0.3)

    assert (answer.outcome, answer.billed, len(api.asked)) == ("failed", 2, 2)
