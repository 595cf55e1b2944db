"""The API engine against a local server that speaks the Images API and misbehaves on cue."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from generation.images.engines.image_models import family_of
from generation.images.engines.openai_images import OpenAIImagesEngine, api_key
from generation.images.engines.protocol import (
    EngineError,
    EngineImage,
    EngineSettings,
    GenerationRequest,
    Refusal,
)
from generation.images.engines.retry import Retrying
from outbound.retry import Patience
from pool.canonical.pixels import encode_png
from tests.factories import make_pixels
from tests.generation.images_api import HANG_UP, Answer, ImagesAPI, error, image_answer, serving

CANARY = "sk-canary-5f3c9a"
QUICK = Patience(attempts=3, first_pause=0.001)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImagesAPI]:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with serving() as server:
        yield server


def ask(
    api: ImagesAPI, count: int = 1, *, model: str = "dall-e-2", patience: Patience = QUICK, **settings: Any
) -> list[EngineImage | Refusal]:
    of_engine: Any = {"size": "256x256", **settings}
    request = GenerationRequest(modality="xray", prompt="chest x-ray, normal", settings=of_engine)
    engine = OpenAIImagesEngine(model, base_url=api.url, patience=patience)
    return sorted(engine.generate(request, range(count)), key=lambda answer: answer.index)


def refusal(api: ImagesAPI, *script: Answer) -> Refusal:
    api.script = list(script)
    answer = ask(api)[0]
    assert isinstance(answer, Refusal)
    return answer


def test_dall_e_2_is_asked_for_base64_and_the_prompts_are_kept_word_for_word(api: ImagesAPI) -> None:
    api.script = [image_answer(revised_prompt="a chest x-ray")]

    answer = ask(api)[0]

    assert isinstance(answer, EngineImage)
    assert api.asked == [
        {
            "model": "dall-e-2",
            "prompt": "chest x-ray, normal",
            "n": 1,
            "size": "256x256",
            "response_format": "b64_json",
        }
    ]
    assert answer.pixels.shape == (256, 256)
    assert answer.provenance["prompt"] == "chest x-ray, normal"
    assert answer.provenance["revised_prompt"] == "a chest x-ray"
    assert answer.provenance["server"] == "127.0.0.1"


def test_gpt_image_models_are_asked_for_png_and_never_for_a_response_format(api: ImagesAPI) -> None:
    ask(api, model="gpt-image-2", quality="low")

    assert api.asked[0]["output_format"] == "png"
    assert api.asked[0]["quality"] == "low"
    assert "response_format" not in api.asked[0]


def test_every_index_gets_one_request_and_one_answer(api: ImagesAPI) -> None:
    answers = ask(api, 5)

    assert [answer.index for answer in answers] == [0, 1, 2, 3, 4]
    assert len(api.asked) == 5


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        ("dall-e-2", {"size": "300x300"}, "256x256, 512x512, 1024x1024"),
        ("dall-e-3", {"size": "1024x1024", "quality": "ultra"}, "standard, hd"),
        ("gpt-image-1.5", {"size": "2x2x2"}, "auto"),
    ],
)
def test_a_setting_the_family_lacks_is_named_before_anything_is_sent(
    model: str, settings: EngineSettings, words: str
) -> None:
    with pytest.raises(EngineError, match=words):
        family_of(model).parameters(model, settings)


def test_a_full_minute_and_a_broken_server_are_tried_again(api: ImagesAPI) -> None:
    api.script = [error(429, "rate_limit_exceeded", retry_after="0"), error(500), image_answer()]

    assert isinstance(ask(api)[0], EngineImage)
    assert len(api.asked) == 3


def test_the_pause_a_server_asks_for_is_kept(api: ImagesAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float | None] = []

    class Clock(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return False

    answers = iter([error(429, retry_after="7"), error(429, retry_after="9999")])
    judge = Retrying(Patience(attempts=2, longest_pause=60), Clock(), "dall-e-2")
    api.script = list(answers)
    engine = OpenAIImagesEngine("dall-e-2", base_url=api.url)
    with engine._client() as client, pytest.raises(Exception, match="429 to every attempt"):
        judge.call(lambda: client.images.generate(prompt="x", model="dall-e-2"))

    assert pauses == [7.0, 60.0]


def test_patience_has_an_end(api: ImagesAPI) -> None:
    answer = refusal(api, error(503), error(503), error(503))

    assert answer.outcome == "failed"
    assert "503" in answer.reason
    assert len(api.asked) == 3


def test_a_moderated_prompt_is_a_refusal_and_the_rest_goes_on(api: ImagesAPI) -> None:
    api.script = [error(400, "moderation_blocked")]

    answers = ask(api, 3)

    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert [answer.outcome for answer in refused] == ["refused"]
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(401, "invalid_api_key", f"Incorrect API key provided: {CANARY}"), "key was not accepted"),
        (error(429, "insufficient_quota"), "out of quota"),
        (error(404, "model_not_found"), "gpt-image-2"),
        (error(403), "may not use"),
        (error(400, "invalid_value", f"bad {CANARY}"), "does not accept"),
    ],
)
def test_what_cannot_get_better_stops_the_job_after_one_request(
    api: ImagesAPI, answer: Answer, words: str
) -> None:
    api.script = [answer]

    with pytest.raises(EngineError, match=words):
        ask(api)

    assert len(api.asked) == 1


def test_a_line_dropped_after_the_work_is_tried_once_more_and_no_more(api: ImagesAPI) -> None:
    answer = refusal(api, HANG_UP, HANG_UP, HANG_UP)

    assert answer.outcome == "failed"
    assert "may have been made and billed" in answer.reason
    assert len(api.asked) == 2


def test_a_server_that_is_not_there_costs_nothing_and_is_said(api: ImagesAPI) -> None:
    api.url = "http://127.0.0.1:9/v1"

    answer = ask(api)[0]

    assert isinstance(answer, Refusal)
    assert "cannot be reached" in answer.reason


def data(**image: Any) -> Answer:
    return Answer(body={"created": 1, "data": [image]})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (data(url="http://127.0.0.1:9/never-followed.png"), "a link, which LungRater never follows"),
        (data(b64_json="AAAAA"), "cut short"),
        (data(b64_json=base64.b64encode(b"<svg/>").decode()), "Not an allowed image type"),
        (data(b64_json=base64.b64encode(encode_png(make_pixels(side=64))[:-40]).decode()), "damaged"),
        (image_answer(side=64), "64x64, but 256x256"),
        (Answer(body={"created": 1, "data": []}), "nothing in place of an image"),
    ],
)
def test_a_reply_that_is_no_image_is_refused_with_its_reason(
    api: ImagesAPI, answer: Answer, words: str
) -> None:
    refused = refusal(api, answer)

    assert words in refused.reason
    assert refused.outcome == "failed"


def test_the_key_goes_into_the_header_and_nowhere_else(
    api: ImagesAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.script = [image_answer(), error(500, message=CANARY), error(401, message=CANARY)]
    lines: list[str] = []

    lines += [repr(answer) for answer in ask(api)]
    with pytest.raises(EngineError) as failed:
        ask(api)
    lines += [str(failed.value), repr(failed.value.__cause__), caplog.text]

    assert set(api.keys) == {f"Bearer {CANARY}"}
    assert CANARY not in json.dumps(lines)


def test_a_worker_without_a_key_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(EngineError, match="OPENAI_API_KEY"):
        api_key()


def test_a_redirect_is_not_followed_with_the_key(api: ImagesAPI) -> None:
    with serving() as elsewhere:
        api.script = [Answer(307, b"{}", {"Location": f"{elsewhere.url}/images/generations"})]
        with pytest.raises(EngineError):
            ask(api)

        assert elsewhere.asked == []


class StopAskedError(Exception):
    pass


def test_images_already_paid_for_are_kept_when_the_job_is_stopped(api: ImagesAPI) -> None:
    def stop() -> None:
        raise StopAskedError

    request = GenerationRequest(modality="xray", prompt="x", settings={"size": "256x256"}, heartbeat=stop)
    answers = OpenAIImagesEngine("dall-e-2", base_url=api.url, patience=QUICK).generate(request, range(9))
    outcomes: list[EngineImage | Refusal] = []
    with pytest.raises(StopAskedError):
        outcomes.extend(answers)

    assert len(outcomes) == len(api.asked) < 9


def test_an_image_of_one_colour_is_handed_on_to_be_counted_as_filtered(api: ImagesAPI) -> None:
    even = base64.b64encode(encode_png(np.zeros((256, 256), dtype=np.uint8))).decode()
    api.script = [Answer(body={"created": 1, "data": [{"b64_json": even}]})]

    [answer] = ask(api)

    assert isinstance(answer, EngineImage)
    assert answer.pixels.max() == 0
