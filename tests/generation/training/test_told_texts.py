"""Texts from the start of a run to its images: templates of columns, a local encoder, and what is refused where."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from generation.diffusion.errors import CheckpointError
from generation.diffusion.text.encoder_folder import read_folder
from generation.models import Checkpoint, GenerationJob, TrainingRun
from generation.training.averaging import averaged_checkpoint
from generation.training.conditions.text_encoders import none_of_this_name
from generation.training.conditions.text_templates import filled, prompt_of
from generation.training.exchange.pipeline_export import exported_files
from pool.imports.columns import OF_MAKING
from pool.models import Dataset, Image
from tests.api.callers import caller
from tests.factories import make_dataset, make_image
from tests.generation.tiny_text import save_tiny_encoder

pytestmark = pytest.mark.django_db

SETTINGS = {
    "size": 16,
    "widths": [8, 16],
    "head_dim": 8,
    "steps": 1,
    "batch": 2,
    "sample_count": 1,
    "sample_steps": 2,
}
TINY = ("--set", *(f"{name}={value}" for name, value in SETTINGS.items()))
TOLD = ("--text={caption}", "--text-encoder=tiny")


@pytest.fixture
def encoder(tmp_path: Path, settings: Any) -> Path:
    settings.MODELS_DIR = tmp_path / "models"
    return save_tiny_encoder(tmp_path / "models" / "text-encoders" / "tiny")


@pytest.fixture
def chests(encoder: Path) -> Dataset:
    dataset = make_dataset("Chests")
    for number, side in enumerate(("left", "right", "left", "")):
        caption = {"attributes": {"caption": f"plate in the {side} half"}} if side else {}
        make_image(dataset, label="normal", provenance=caption, source_name=f"{number}.png")
    return dataset


def train(*words: str, name: str = "told") -> TrainingRun:
    out = StringIO()
    call_command("train", "--dataset=Chests", f"--name={name}", *words, *TINY, "--json", stdout=out)
    return TrainingRun.objects.get(pk=json.loads(out.getvalue())["run"])


def generate(*words: str, dataset: str = "Fakes") -> None:
    fixed = ("--model=told", f"--dataset={dataset}", "--steps=2", "--seed=1")
    call_command("generate", *fixed, *words, stdout=StringIO())


def test_a_column_is_told_in_words_and_images_are_made_by_free_text(chests: Dataset, encoder: Path) -> None:
    run = train(*TOLD, "--text-dropout=0.2", "--text-tokens=12")
    generate("--count=4", "--text=plate in the {side:left|right} half", "--attribute-guidance=text:3")

    text, fingerprint = run.parsed_config.text, read_folder(encoder).sha256
    assert text is not None
    assert (text.encoder, text.sha256, text.tokens, text.dropout) == ("tiny", fingerprint, 12, 0.2)
    assert run.conditions == ["text “{caption}” (read by tiny, up to 12 tokens), unknown of 1 of 4 images"]
    facts = Checkpoint.objects.get(run=run).description["facts"]
    assert (facts["text_encoder"], facts["text_encoder_sha256"]) == ("tiny", fingerprint)
    fakes = Image.objects.filter(dataset__name="Fakes").values_list("provenance", flat=True)
    assert {name for row in fakes for name in row} <= OF_MAKING
    assert Counter(row["prompt"] for row in fakes) == {
        "plate in the left half": 2,
        "plate in the right half": 2,
    }
    assert {(row["text_encoder_sha256"], row["attribute_guidance"]) for row in fakes} == {
        (fingerprint, "text:3")
    }


def test_an_image_depends_on_its_seed_and_its_text_and_not_on_its_neighbours(chests: Dataset) -> None:
    train(*TOLD)
    text = "--text=plate in the {side:left|right} half"

    generate("--count=4", text, dataset="Four")
    generate("--count=2", text, dataset="Two")

    four, two = (
        {image.provenance["index"]: image.pixel_sha256 for image in Image.objects.filter(dataset__name=name)}
        for name in ("Four", "Two")
    )
    assert two == {index: four[index] for index in (0, 1)}


def test_a_program_trains_on_a_text_and_makes_images_by_one(chests: Dataset, researcher: User) -> None:
    chests.give_to_maker(researcher)
    settings = "\n".join(f"{name} = {value}" for name, value in SETTINGS.items())
    body = {
        "name": "told",
        "dataset": chests.pk,
        "text": "{caption}",
        "text_encoder": "tiny",
        "settings": settings,
    }
    program = caller(researcher)

    answer = program.post("/api/v1/training-runs", body, content_type="application/json")
    run = TrainingRun.objects.get()
    run.perform()
    checkpoint = Checkpoint.objects.get()
    wish = {
        "what": f"{checkpoint.pk}:0",
        "total": 1,
        "new_dataset": "Fakes",
        "steps": 2,
        "text": "no finding",
    }
    made = program.post("/api/v1/generation-jobs/diffusion", wish, content_type="application/json")
    GenerationJob.objects.get().perform()

    assert answer.status_code in {201, 202}, answer.content
    assert answer.json()["conditions"] == [
        "text “{caption}” (read by tiny, up to 32 tokens), unknown of 1 of 4 images"
    ]
    assert made.status_code in {201, 202}, made.content
    assert Image.objects.get(dataset__name="Fakes").provenance["prompt"] == "no finding"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--text={caption}",), "Choose the text encoder that reads the words, of tiny, or leave"),
        (("--text-encoder=tiny",), "say what each image is told in words, or choose none"),
        (
            ("--text={caption}", "--text-encoder=other"),
            "no text encoder 'other' in the home’s .* there are: tiny",
        ),
        (("--text={caption}", "--text-encoder=50%"), "There is no text encoder '50%'"),
        (("--text={report}", "--text-encoder=tiny"), "No training image has a value of report; .*: caption"),
        (("--text=a lung", "--text-encoder=tiny"), "names what differs in braces"),
        (("--text={finding}", "--text-encoder=tiny"), "do not differ in their text"),
        (("--text-dropout=0.5",), "do nothing"),
        (("--text={caption}", "--text-encoder=../tiny"), "There is no text encoder"),
        (("--set", "text={encoder = 'tiny', sha256 = '" + "0" * 64 + "', width = 16}"), "by its template"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(
    chests: Dataset, words: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        train(*words, name="other")

    assert not TrainingRun.objects.exists()


def test_weights_that_can_run_code_are_refused_before_a_run_is_queued(chests: Dataset, encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")

    with pytest.raises(CommandError, match="weights that can run code"):
        train(*TOLD)


def test_a_model_without_a_text_and_an_encoder_that_is_gone_or_another_are_refused(
    chests: Dataset, encoder: Path
) -> None:
    train(*TOLD)
    chests.images.filter(source_name="0.png").update(provenance={"view": "PA"})
    chests.images.filter(source_name="1.png").update(provenance={"view": "AP"})
    train("--attributes=view", name="plain")
    with pytest.raises(CommandError, match="plain@1 is told no text"):
        call_command("generate", "--model=plain", "--dataset=F", "--count=1", "--text=x", stdout=StringIO())
    with pytest.raises(CommandError, match="like “sex:3”, of what the model is told of: view"):
        call_command(
            *("generate", "--model=plain", "--dataset=F", "--count=1", "--attribute-guidance=text:2"),
            stdout=StringIO(),
        )

    (encoder / "notes.txt").write_text("changed")
    with pytest.raises(CommandError, match="another one than the model was trained with"):
        generate("--count=1", "--text=no finding")
    (encoder / "config.json").unlink()
    with pytest.raises(CommandError, match="There is no text encoder 'tiny'"):
        generate("--count=1", "--text=no finding")
    generate("--count=1")  # told nothing, it needs no encoder


def test_an_export_says_why_there_is_none(chests: Dataset) -> None:
    train(*TOLD)

    with (
        pytest.raises(CheckpointError, match="told texts by an encoder that lies on this site"),
        exported_files(Checkpoint.objects.get()),
    ):
        pass


def test_a_template_leaves_out_what_is_not_known() -> None:
    known: dict[str, str] = {"finding": "effusion", "view": "", "scanner": "GE\n Optima"}
    fill_in: Callable[[str], str] = lambda template: filled(template, lambda name: known.get(name, ""))  # noqa: E731

    assert fill_in("{finding}, {scanner}") == "effusion, GE Optima"
    assert fill_in("lung, {view}, {finding}") == "lung, effusion"
    assert fill_in("{view} lung") == ""


def test_the_prompt_of_a_fine_tuning_may_name_any_column(chests: Dataset) -> None:
    image = chests.images.get(source_name="0.png")

    assert prompt_of(image, "{modality}, {finding}, {caption}") == "X-ray, normal, plate in the left half"


def test_another_average_after_training_is_told_the_same_texts(chests: Dataset) -> None:
    run = train(*TOLD, "--set", "post_hoc_ema=true")

    averaged = averaged_checkpoint(run, 0.1)

    assert averaged.config.text == run.parsed_config.text
    assert averaged.description["facts"]["text_encoder"] == "tiny"


@pytest.mark.parametrize(
    "address",
    [
        "/generation/training/",
        "/generation/training/{run}/progress",
        "/generation/new/diffusion/",
        "/api/v1/training-runs",
        "/api/v1/training-runs/{run}/checkpoints",
        "/api/v1/checkpoints",
    ],
)
def test_the_list_of_runs_does_not_read_their_texts(
    address: str, chests: Dataset, client_of: Callable[[User], Client], researcher: User
) -> None:
    chests.give_to_maker(researcher)
    run = train(*TOLD)
    client = caller(researcher) if address.startswith("/api/") else client_of(researcher)

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address.format(run=run.pk))

    assert answer.status_code == 200
    statements = [str(query["sql"]) for query in queries]
    assert any('FROM "generation_' in sql for sql in statements)
    assert not [sql for sql in statements if '"texts"' in sql or "attribute_values" in sql]


def test_a_folder_with_a_per_cent_sign_is_named_as_it_is(encoder: Path) -> None:
    save_tiny_encoder(encoder.parent / "5%s")

    assert "there are: 5%s, tiny" in none_of_this_name() % {"value": "x"}
