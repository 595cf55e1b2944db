"""A model that is told texts by a frozen encoder out of a local folder; `bench/attributes.py` measures them back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from generation.diffusion.config import ConfigError, TrainingConfig
from generation.diffusion.errors import TrainingStoppedError
from generation.diffusion.networks.network import Denoiser, build
from generation.diffusion.progress import Progress
from generation.diffusion.run import TrainingImages, train
from generation.diffusion.sampling.sampler import sample
from generation.diffusion.text import encoder_folder, states
from generation.diffusion.text.condition import TextCondition, check_size
from generation.diffusion.text.encoder import TextEncoder
from generation.diffusion.text.encoder_folder import read_folder
from generation.diffusion.text.states import FILE, TextStates, states_for
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import CLASSES, TRANSFORMER, bright_squares, tiny_config
from tests.generation.tiny_text import WIDTH, condition_of, save_tiny_encoder

CPU = torch.device("cpu")
LEFT, RIGHT = "plate in the left half", "plate in the right half"
NETWORKS = pytest.mark.parametrize(
    "network", [{}, {**TRANSFORMER, "learning_rate": 0.02, "steps": 24}], ids=["unet", "transformer"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


def encoder_of(folder: Path) -> TextEncoder:
    return TextEncoder(read_folder(folder), condition_of(folder), CPU)


def learned(folder: Path, *, dropout: float, **changes: Any) -> Trainer:
    config = tiny_config(text=condition_of(folder, dropout=dropout), **changes)
    images = bright_squares(config)
    texts = [(LEFT, RIGHT, "")[place % 3] for place in range(len(images.pixels))]
    trainer = Trainer(config, images, text=TextStates.of(texts, encoder_of(folder).states))
    for _ in range(config.steps):
        trainer.train_step()
    return trainer


def samples(trainer: Trainer, folder: Path, text: str) -> NDArray[np.uint8]:
    return sample(trainer.averaged, range(3), text=encoder_of(folder).states([text] * 3), steps=3)


def predicted(net: Denoiser, folder: Path, text: str | None) -> torch.Tensor:
    noisy, times = (
        torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0)),
        torch.tensor([3.0, 700.0]),
    )
    told = None if text is None else torch.from_numpy(encoder_of(folder).states([text] * 2))
    with torch.inference_mode():
        prediction: torch.Tensor = net(noisy, times, None, None, None, told)
    return prediction


@pytest.mark.parametrize("kind", ["bert", "clip", "t5"])
def test_the_states_are_those_that_transformers_makes_and_nought_behind_the_end(
    tmp_path: Path, kind: str
) -> None:
    import transformers

    path = save_tiny_encoder(tmp_path / kind, kind)
    told = encoder_of(path).states([LEFT, "", "no finding"])
    model = {"bert": "BertModel", "clip": "CLIPTextModel", "t5": "T5EncoderModel"}[kind]
    theirs: Any = getattr(transformers, model).from_pretrained(path).eval()
    tokens: Any = transformers.AutoTokenizer.from_pretrained(path)(LEFT, return_tensors="pt")

    with torch.inference_mode():
        alone = theirs(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).last_hidden_state

    assert told.shape == (3, 8, WIDTH)
    assert told[0, :5] == pytest.approx(alone[0].numpy(), abs=1e-5)
    assert not told[0, 5:].any()
    assert not told[1].any()
    assert told[2, :2].any()


@NETWORKS
def test_a_text_that_is_never_told_changes_no_pixel(folder: Path, network: dict[str, Any]) -> None:
    hidden, shown = (learned(folder, dropout=dropout, **network) for dropout in (1.0, 0.0))

    assert np.array_equal(samples(hidden, folder, LEFT), samples(hidden, folder, ""))
    assert torch.equal(predicted(hidden.averaged, folder, LEFT), predicted(hidden.averaged, folder, ""))
    assert not torch.equal(predicted(shown.averaged, folder, LEFT), predicted(shown.averaged, folder, RIGHT))


@NETWORKS
def test_two_texts_make_two_predictions_and_no_text_is_as_none(folder: Path, network: dict[str, Any]) -> None:
    net = build(tiny_config(text=condition_of(folder), **network), seed=0)
    for name, weight in net.named_parameters():
        if "norm" not in name:
            torch.nn.init.normal_(weight, std=0.2)
    left, right, nothing, none = (predicted(net, folder, text) for text in (LEFT, RIGHT, "", None))

    assert not torch.allclose(left, right)
    assert not torch.allclose(left, none)
    assert torch.allclose(nothing, none, atol=1e-6)


def test_guidance_of_the_text_adds_the_difference_that_it_alone_makes(folder: Path) -> None:
    """The network answers 10 for the class and 3 for a text, and 100 for both together."""
    net = Denoiser(tiny_config(classes=tuple(CLASSES), text=condition_of(folder)))

    def answers(
        noisy: torch.Tensor, _time: object, classes: Any, _changes: object, _told: object, text: Any
    ) -> Any:
        of_class = (
            classes != net.config.null_class
            if classes is not None
            else torch.zeros(len(noisy), dtype=torch.bool)
        )
        of_text = (text != 0).any(dim=(1, 2))
        value = 10.0 * of_class + 3.0 * of_text + 100.0 * (of_class & of_text)
        return value.view(-1, 1, 1, 1).expand_as(noisy)

    net.compiled = answers
    noisy, text = torch.zeros(1, 1, 16, 16), torch.ones(1, 8, WIDTH)

    def guided(of_class: float, of_text: float, classes: torch.Tensor | None) -> float:
        told = net.guided(noisy, torch.zeros(1), classes, of_class, text=text, text_scale=of_text)
        return float(told.mean())

    normal = torch.tensor([0])
    assert guided(1.0, 1.0, normal) == pytest.approx(113)
    assert guided(1.0, 4.0, normal) == pytest.approx(113 + 3 * 3)
    assert guided(2.0, 4.0, normal) == pytest.approx(113 + 10 + 3 * 3)
    assert guided(1.0, 4.0, None) == pytest.approx(4 * 3)


def test_a_text_is_hidden_as_often_as_its_dropout_says(folder: Path) -> None:
    config = tiny_config(text=condition_of(folder, dropout=0.3), batch=2000)
    text = TextStates.of([LEFT] * 10, encoder_of(folder).states)
    trainer = Trainer(config, bright_squares(config), text=text)

    draw = trainer.draw(torch.Generator().manual_seed(0), np.zeros(2000, dtype=np.int64))

    assert draw.hidden_text is not None
    assert float(draw.hidden_text.double().mean()) == pytest.approx(0.3, abs=0.03)
    shown = trainer._text_shown(draw)
    assert shown is not None
    assert torch.equal((shown != 0).any(dim=(1, 2)), ~draw.hidden_text)


def stop_at_four(progress: Progress) -> None:
    if progress.step == 4:
        raise TrainingStoppedError


def test_a_run_goes_on_with_the_states_that_lie_beside_it_bit_for_bit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(text=condition_of(folder))
    images = bright_squares(config)
    images.texts, images.text_encoder = [LEFT, RIGHT] * 5, folder

    done = train(config, images, tmp_path / "at once", device=CPU)
    with pytest.raises(TrainingStoppedError):
        train(config, images, tmp_path / "in two", device=CPU, on_progress=stop_at_four)
    monkeypatch.setattr(states, "TextEncoder", None)  # nothing is read a second time
    again = train(config, images, tmp_path / "in two", device=CPU)

    assert (tmp_path / "in two" / FILE).read_bytes() == (tmp_path / "at once" / FILE).read_bytes()
    assert (again / "model.safetensors").read_bytes() == (done / "model.safetensors").read_bytes()
    facts = json.loads((done / "config.json").read_text())["facts"]
    assert (facts["text_encoder"], facts["text_encoder_sha256"]) == ("tiny", read_folder(folder).sha256)


def test_each_text_is_read_once_and_those_of_other_images_anew(folder: Path, tmp_path: Path) -> None:
    condition = condition_of(folder)
    seen: list[str] = []

    def states_of(*texts: str) -> TextStates:
        return states_for(condition, texts, folder, tmp_path, CPU, tell=seen.append)

    first, second = states_of(LEFT, "", RIGHT, LEFT), states_of(RIGHT)

    assert first.places.tolist() == [0, 2, 1, 0]
    assert (len(first.states), len(second.states)) == (3, 2)
    assert np.array_equal(first.states[1], second.states[0])
    assert not first.states[2].any()
    assert seen[-1] == "Reading the texts, 1 of 1"


def test_a_config_without_what_came_later_is_written_as_before_there_was_any(folder: Path) -> None:
    plain, told = tiny_config(), tiny_config(text=condition_of(folder))
    deep = tiny_config(bits=16, window="-600/1500 (lung)", post_hoc_ema=True)

    assert not {"text", "bits", "window", "post_hoc_ema"} & plain.as_json().keys()
    assert not [name for name in build(plain).state_dict() if "attn2" in name or "text" in name]
    for config in (plain, told, deep):
        assert TrainingConfig.from_mapping(json.loads(json.dumps(config.as_json()))) == config
    assert "text = {encoder =" in told.as_toml()


def bad_folder(tmp_path: Path, folder: Path, what: str) -> Path:
    path = tmp_path / "bad"
    path.mkdir()
    for file in folder.iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    config = json.loads((path / "config.json").read_text())
    if what == "pickle":
        (path / "model.safetensors").rename(path / "pytorch_model.bin")
    elif what == "code":
        config["auto_map"] = {"AutoModel": "evil.Model"}
    elif what == "kind":
        config["model_type"] = "gpt2"
    elif what == "wide":
        config["hidden_size"] = 10**9
    elif what == "empty":
        (path / "model.safetensors").unlink()
    (path / "config.json").write_text("{" if what == "damaged" else json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("pickle", r"weights that can run code .* safe_serialization=True"),
        ("code", "code of its own, which is never run"),
        ("kind", "of the kind 'gpt2'; clip,"),
        ("wide", "too large: a hidden_size of 1,000,000,000"),
        ("empty", "has no weights"),
        ("damaged", r"no readable config.json"),
    ],
)
def test_a_folder_that_is_no_text_encoder_is_refused_in_a_sentence(
    tmp_path: Path, folder: Path, what: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_folder(bad_folder(tmp_path, folder, what))


def test_an_encoder_that_is_too_large_or_has_changed_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="another one than the model was trained with"):
        TextEncoder(read_folder(folder), TextCondition("tiny", "0" * 64, WIDTH), CPU)
    with pytest.raises(ConfigError, match="GB are allowed: ask for fewer text_tokens"):
        check_size(10**9, condition_of(folder))
    monkeypatch.setattr(encoder_folder, "MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match="too large"):
        read_folder(folder)


def test_a_folder_named_like_a_file_is_not_read(folder: Path, tmp_path: Path) -> None:
    path = bad_folder(tmp_path, folder, "")
    before = read_folder(path).sha256
    for name in ("old.json", "old.safetensors"):
        (path / name).mkdir()

    assert read_folder(path).sha256 == before


def test_a_tokenizer_of_more_words_than_the_model_knows_is_refused(folder: Path, tmp_path: Path) -> None:
    path = bad_folder(tmp_path, folder, "")
    tokenizer = json.loads((path / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["another"] = len(tokenizer["model"]["vocab"])
    (path / "tokenizer.json").write_text(json.dumps(tokenizer))

    with pytest.raises(ConfigError, match="has 17 words, and the encoder knows 16"):
        encoder_of(path)


def test_roberta_reads_two_tokens_fewer_than_it_has_positions(tmp_path: Path) -> None:
    path = save_tiny_encoder(tmp_path / "roberta", "roberta")
    longest = read_folder(path).most_tokens

    assert longest == 32
    encoder = TextEncoder(read_folder(path), condition_of(path, tokens=longest), CPU)
    assert encoder.states([" ".join([LEFT] * 20)]).shape == (1, longest, WIDTH)
    encoder = TextEncoder(read_folder(path), condition_of(path, tokens=longest + 1), CPU)
    with pytest.raises(ConfigError, match="cannot read a text of 33 tokens; ask for fewer text_tokens"):
        encoder.states([" ".join([LEFT] * 20)])


@pytest.mark.parametrize(
    "wrong", [{"width": 1.5}, {"width": True}, {"tokens": 7.5}, {"tokens": "8"}, {"dropout": True}]
)
def test_a_text_condition_takes_no_number_of_another_type(folder: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        condition_of(folder, **wrong)


@pytest.mark.parametrize("name", ["../bert", "", ".hidden", "a\0b", "a\\b"])
def test_an_encoder_goes_by_the_name_of_a_folder_and_no_path(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name of its folder"):
        replace(condition_of(folder), encoder=name)


def test_a_model_of_texts_needs_those_of_its_images_and_another_none(folder: Path, tmp_path: Path) -> None:
    told = tiny_config(text=condition_of(folder))

    with pytest.raises(ConfigError, match="needs that of each image"):
        Trainer(told, bright_squares(told))
    with pytest.raises(ConfigError, match="the folder of its encoder"):
        train(told, TrainingImages(bright_squares(told).pixels), tmp_path, device=CPU)
