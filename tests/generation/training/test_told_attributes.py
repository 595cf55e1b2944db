"""Attributes from the pool or from a table: asked for, learned, told again when images are made, and refused where unknown."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from generation.diffusion.attributes import Attribute, told_in_words
from generation.images.forms.local import DiffusionJobForm
from generation.models import Checkpoint, GenerationJob, ToldOfImages, TrainingRun
from pool.canonical.attributes import attribute_of
from pool.canonical.pixels import encode_png
from pool.models import Dataset, Image
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db

TINY = (
    "--set",
    "size=16",
    "widths=[8, 16]",
    "head_dim=8",
    "steps=1",
    "batch=2",
    "sample_count=1",
    "sample_steps=2",
)


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def chests() -> Dataset:
    dataset = make_dataset("Chests")
    for number, view in enumerate(("PA", "AP", "AP", "")):
        make_image(dataset, provenance={"view": view} if view else {}, source_name=f"{number}.png")
    return dataset


def train(*words: str) -> TrainingRun:
    out = StringIO()
    call_command("train", "--dataset=Chests", "--name=told", *words, *TINY, "--json", stdout=out)
    return TrainingRun.objects.get(pk=json.loads(out.getvalue())["run"])


def generate(*words: str) -> None:
    call_command(
        "generate", "--model=told", "--dataset=Fakes", "--steps=2", "--seed=1", *words, stdout=StringIO()
    )


def test_a_view_of_the_pool_and_an_age_of_a_table_are_learned_and_every_combination_is_made_as_often(
    chests: Dataset, tmp_path: Path
) -> None:
    table = tmp_path / "ages.csv"
    table.write_text("file,age\nimages/0.png,30\n1.png,061Y\n2.png,\n3.png,90\n")

    run = train("--attributes=view, age:number:0.5", f"--attribute-table={table}")
    generate("--count=8", "--attributes=view:PA|AP, age:40|80", "--attribute-guidance=view:2")

    view, age = run.parsed_config.attributes
    assert (view.values, view.dropout) == (("AP", "PA"), 0.1)
    assert (age.low, age.high, age.dropout) == (30, 90, 0.5)
    values = ToldOfImages.objects.get(run=run).attribute_values
    by_file = {image.source_name: values[str(image.pk)] for image in chests.images.all()}
    assert by_file["1.png"] == {"view": "AP", "age": "061Y"}
    assert (by_file["2.png"], by_file["3.png"]) == ({"view": "AP"}, {"age": "90"})
    fakes = Image.objects.filter(dataset__name="Fakes").values_list("provenance", flat=True)
    assert set(Counter((row["view"], row["attributes"]["age"]) for row in fakes).values()) == {2}
    assert {row["attribute_guidance"] for row in fakes} == {"view:2"}


def test_what_a_model_cannot_be_told_is_refused_in_the_form(chests: Dataset) -> None:
    train("--attributes=view")
    of_training = {
        "--attributes=sex": "No training image has a value of sex",
        "--attributes=view:number": "view is not a number everywhere",
        "--attributes=view:often": "Attributes are written like",
        "--attributes=seed": "say so how they were made",
    }
    of_images = {
        "--attributes=view:LL": "view is one of AP, PA, not 'LL'",
        "--attributes=sex:F": "not told of sex; it is told of view",
        "--attributes=view": "Attributes are written like",
        "--attribute-guidance=sex:3": "of what the model is told of: view",
    }

    for word, sentence in of_training.items():
        with pytest.raises(CommandError, match=sentence):
            call_command("train", "--dataset=Chests", "--name=other", word, *TINY, stdout=StringIO())
    for word, sentence in of_images.items():
        with pytest.raises(CommandError, match=sentence):
            generate("--count=1", word)

    assert TrainingRun.objects.count() == 1
    assert not GenerationJob.objects.exists()


def test_a_model_of_attributes_leaves_and_comes_back_with_them(chests: Dataset, tmp_path: Path) -> None:
    train("--attributes=view")

    call_command("models", "export", "told", str(tmp_path / "out"), stdout=StringIO())
    call_command("models", "import", str(tmp_path / "out"), "--name=theirs", stdout=StringIO())
    for name in ("told", "theirs"):
        words = (f"--model={name}", f"--dataset=By {name}", "--attributes=view:AP", "--count=1", "--seed=2")
        call_command("generate", *words, "--steps=2", stdout=StringIO())

    assert Checkpoint.objects.get(name="theirs").config.attributes[0].values == ("AP", "PA")
    ours, theirs = (Image.objects.get(dataset__name=f"By {name}") for name in ("told", "theirs"))
    assert ours.pixel_sha256 == theirs.pixel_sha256


def test_columns_that_an_import_kept_are_told_and_missing_ones_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    rows = ['0.png,"GE, Optima",20', "1.png,Siemens,", "2.png,,30", "3.png,Siemens,40"]
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (32, 32), dtype=np.uint8)
        (folder / f"{number}.png").write_bytes(encode_png(pixels))
    (folder / "metadata.csv").write_text("\n".join(["file_name,scanner,bmi", *rows]) + "\n")
    words = ("--dataset=Chests", "--origin=real", "--modality=xray", "--layout=imagefolder")
    call_command("import", str(folder), *words, "--columns=scanner,bmi", stdout=StringIO())

    run = train("--attributes=scanner, bmi:number")
    generate("--count=4", '--attributes=scanner:"GE, Optima"|Siemens, bmi:25|35')

    assert run.conditions == [
        'scanner ("GE, Optima"|Siemens), unknown of 1 of 4 images',
        "bmi (20 to 40), unknown of 1 of 4 images",
    ]
    assert told_in_words((Attribute("sex", ("F", "M")),), {"1": {"sex": "F"}}) == [
        "sex (F|M), known of every image"
    ]
    fakes = Image.objects.filter(dataset__name="Fakes").values_list("provenance", flat=True)
    told = [(attribute_of(row, "scanner"), attribute_of(row, "bmi")) for row in fakes]
    assert sorted(told) == sorted(product(("GE, Optima", "Siemens"), ("25", "35")))


def test_a_column_that_no_image_has_is_refused_with_those_that_there_are(chests: Dataset) -> None:
    Image.objects.filter(source_name="0.png").update(provenance={"attributes": {"scanner": "GE"}})

    with pytest.raises(
        CommandError, match=r"No training image has a value of ward; .* of them: view, scanner"
    ):
        call_command("train", "--dataset=Chests", "--name=other", "--attributes=ward", *TINY)


def test_the_form_for_images_says_what_each_model_is_told_of_or_the_chosen_one(chests: Dataset) -> None:
    chests.images.filter(source_name="0.png").update(provenance={"view": "<i>"})
    chosen = train("--attributes=view").checkpoints.get()
    other = train("--attributes=view", "--name=other").checkpoints.get()
    sentence = "{} is told of view (&lt;i&gt;|AP).".format

    form = DiffusionJobForm(initial={"checkpoint": chosen.pk})

    assert sentence(chosen) in form.as_p()
    assert sentence(other) not in form.as_p()
    assert sentence(other) in DiffusionJobForm().as_p()


def test_the_form_for_images_names_no_model_that_somebody_may_not_see(
    chests: Dataset, researcher: User, stranger: User
) -> None:
    chests.memberships.all().delete()
    chests.give_to_maker(researcher)
    checkpoint = train("--attributes=view").checkpoints.get()
    own, foreign = DiffusionJobForm(), DiffusionJobForm()

    own.narrow_to(researcher)
    foreign.narrow_to(stranger)

    assert str(checkpoint) in own.as_p()
    assert str(checkpoint) not in foreign.as_p()
    assert "For a model that is told more" in foreign.as_p()
