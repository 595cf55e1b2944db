"""A model leaves the site and comes back: by command as folder or zip, by page as zip; and goes where nobody needs it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from generation.models import Checkpoint, GenerationJob, TrainingRun
from pool.canonical.pixels import decode_png
from pool.models import DatasetMembership, Image
from pool.storage.stored_files import stored_bytes
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db


def run(*words: str) -> Any:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def model() -> Checkpoint:
    """The last of two checkpoints of a tiny run on CT slices."""
    dataset = make_dataset("Slices", modality="ct")
    dataset.licence = "CC BY 4.0"
    dataset.save()
    for _ in range(3):
        make_image(dataset)
    tiny = ["size=16", "widths=[8, 16]", "head_dim=8", "steps=4", "batch=2", "warmup=1", "checkpoint_every=2"]
    run("train", "--dataset=Slices", "--name=mine", "--set", *tiny, "sample_count=1", "sample_steps=2")
    return Checkpoint.objects.get(name="mine@4")


def pixels_of(name: str, dataset: str) -> np.ndarray[Any, Any]:
    run("generate", f"--model={name}", "--count=1", f"--dataset={dataset}", "--steps=2", "--seed=7")
    image = Image.objects.get(dataset__name=dataset)
    return np.asarray(decode_png(stored_bytes(image.file, "an image")))


@pytest.mark.parametrize("target", ["folder", "file.zip"])
def test_an_exported_model_comes_back_and_makes_the_very_same_image(
    model: Checkpoint, tmp_path: Path, target: str
) -> None:
    report = run("models", "export", "mine", str(tmp_path / target))
    run("models", "import", str(tmp_path / target), "--name=theirs")

    assert report["model"] == "mine@4"
    theirs = Checkpoint.objects.get(name="theirs")
    assert theirs.kinds == model.kinds
    assert np.array_equal(pixels_of("mine", "A"), pixels_of("theirs", "B"))


def test_the_folders_card_has_the_hubs_head_with_data_and_licence(model: Checkpoint, tmp_path: Path) -> None:
    run("models", "export", "mine@4", str(tmp_path / "out"))

    card = (tmp_path / "out/README.md").read_text()
    assert card.startswith('---\nlibrary_name: "diffusers"\n')
    for words in (
        'license_name: "CC BY 4.0"',
        "Slices",
        "trust_remote_code=True",
        "Copies of training",
        "Fidelity",
    ):
        assert words in card or words == "Copies of training"


def test_the_page_hands_out_the_same_as_a_zip(
    model: Checkpoint, researcher: User, client_of: Callable[[User], Client]
) -> None:
    browser = client_of(researcher)

    page = browser.get(model.get_absolute_url()).content.decode()
    answer = browser.get(f"/generation/checkpoints/{model.pk}/pipeline.zip")

    assert f"/generation/checkpoints/{model.pk}/pipeline.zip" in page
    with ZipFile(BytesIO(b"".join(answer))) as archive:
        assert f"model-{model.sha256[:12]}/model_index.json" in archive.namelist()


def test_the_zip_is_written_without_its_weights_in_memory(
    model: Checkpoint, researcher: User, client_of: Callable[[User], Client]
) -> None:
    """Weights of 64 MiB; the memory that Python has allocated meanwhile stays far below that."""
    content = filler_weights(64)
    model.weights.save("", ContentFile(content))
    browser = client_of(researcher)
    tracemalloc.start()

    answer = browser.get(f"/generation/checkpoints/{model.pk}/pipeline.zip")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    with ZipFile(BytesIO(b"".join(answer))) as archive:
        stored = archive.getinfo(f"model-{model.sha256[:12]}/unet/diffusion_pytorch_model.safetensors")
    assert stored.file_size >= 64 << 20
    assert peak < 32 << 20


def test_a_zip_is_taken_in_by_page(
    model: Checkpoint, researcher: User, client_of: Callable[[User], Client], tmp_path: Path
) -> None:
    run("models", "export", "mine@4", str(tmp_path / "out.zip"))
    upload = SimpleUploadedFile("out.zip", (tmp_path / "out.zip").read_bytes())

    answer = client_of(researcher).post("/generation/training/import/", {"name": "theirs", "file": upload})

    theirs = Checkpoint.objects.get(name="theirs")
    assert answer["Location"] == theirs.get_absolute_url()
    assert (theirs.kinds, theirs.step) == (model.kinds, 4)
    assert Event.objects.get(action="imported a model").detail == {"sha256": theirs.sha256}


def test_a_zip_is_taken_in_without_its_weights_in_memory(model: Checkpoint, tmp_path: Path) -> None:
    model.weights.save("", ContentFile(filler_weights(64)))
    run("models", "export", "mine@4", str(tmp_path / "out.zip"))
    tracemalloc.start()

    run("models", "import", str(tmp_path / "out.zip"), "--name=theirs")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert Checkpoint.objects.get(name="theirs").weights.size >= 64 << 20
    assert peak < 32 << 20


@pytest.mark.parametrize("limit", ["members", "bytes", "description"])
def test_a_zip_of_too_much_is_refused_before_it_is_unpacked(
    limit: str, researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    content, sentences = BytesIO(), {"members": "1,000 files", "bytes": "larger than", "description": "1 MB"}
    monkeypatch.setattr(
        "generation.training.exchange.forms.MOST_UNPACKED", 2**20 if limit == "bytes" else 2**30
    )
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        archive.writestr("lungrater.json", b" " * (2**21 if limit != "members" else 1))
        for number in range(1_001 if limit == "members" else 0):
            archive.writestr(f"{number}.bin", b"")
    upload = SimpleUploadedFile("model.zip", content.getvalue())

    answer = client_of(researcher).post("/generation/training/import/", {"name": "theirs", "file": upload})

    assert answer.status_code == 422
    assert sentences[limit] in answer.content.decode()
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"step": 4', b'"stop": 4'),
        (b'"step": 4', b'"step": "four"'),
        (b'"step": 4', b'"step": -1'),
        (b'"step": 4', b'"step": 99999999999'),
        (b'"step": 4', b'"step": 4, "loss": NaN'),
        (b'"step": 4', rb'"step": 4, "text": "\u0000"'),
        (b'"step": 4', rb'"step": 4, "text": "\ud800"'),
    ],
)
def test_a_description_that_the_database_could_not_hold_is_answered_with_a_sentence(
    before: bytes,
    after: bytes,
    model: Checkpoint,
    researcher: User,
    client_of: Callable[[User], Client],
    tmp_path: Path,
) -> None:
    run("models", "export", "mine@4", str(tmp_path / "out.zip"))
    content = BytesIO()
    with ZipFile(tmp_path / "out.zip") as exported, ZipFile(content, "w") as archive:
        for name in exported.namelist():
            archive.writestr(name, exported.read(name).replace(before, after))
    upload = SimpleUploadedFile("model.zip", content.getvalue())

    answer = client_of(researcher).post("/generation/training/import/", {"name": "theirs", "file": upload})

    assert answer.status_code == 422
    assert "This is no pipeline" in answer.content.decode() or "is damaged" in answer.content.decode()
    assert not Checkpoint.objects.filter(name="theirs").exists()


def test_any_checkpoint_can_be_chosen_beside_its_samples_by_whoever_sees_its_run(
    model: Checkpoint, researcher: User, client_of: Callable[[User], Client]
) -> None:
    earlier = Checkpoint.objects.get(name="mine@2")
    address = "/generation/new/diffusion/"
    TrainingRun.objects.update(requested_by=researcher)
    DatasetMembership.objects.all().delete()
    browser, stranger = (
        client_of(researcher),
        client_of(User.objects.create_user("x@example.org", role=Role.RESEARCHER)),
    )

    page = browser.get(address)
    chosen = browser.get(f"{address}?checkpoint={earlier.pk}")
    wish = {"what": f"{earlier.pk}:0", "total": 2, "new_dataset": "Fakes", "steps": 2, "guidance": 1}
    browser.post(address, wish)
    theirs = stranger.post(address, {**wish, "new_dataset": "Others"})

    assert f"{address}?checkpoint={earlier.pk}" in page.content.decode()
    assert [key for key, _ in page.context["form"].fields["what"].choices] == [f"{model.pk}:0"]
    assert [key for key, _ in chosen.context["form"].fields["what"].choices] == [
        f"{earlier.pk}:0",
        f"{model.pk}:0",
    ]
    assert f"/generation/checkpoints/{earlier.pk}/samples.png" in chosen.content.decode()
    assert GenerationJob.objects.get().checkpoint == earlier
    assert (set(theirs.context["form"].errors), theirs.context["rows"]) == ({"what"}, [])


def filler_weights(mebibytes: int) -> bytes:
    size = mebibytes << 20
    header = json.dumps({"unet.filler": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


def test_a_config_of_another_release_is_answered_with_a_sentence_on_the_card(
    model: Checkpoint, researcher: User, client_of: Callable[[User], Client], tmp_path: Path
) -> None:
    model.description["config"]["bygone"] = 1
    model.save()
    TrainingRun.objects.update(config={**model.description["config"]})
    browser = client_of(researcher)

    answer = browser.get(f"/generation/checkpoints/{model.pk}/pipeline.zip", follow=True)
    toml = browser.get(f"/generation/training/{model.run_id}/config.toml").content.decode()
    form = browser.get("/generation/new/diffusion/")

    assert answer.redirect_chain == [(model.get_absolute_url(), 302)]
    assert "mine@4 cannot be written as a pipeline: Unknown setting: bygone." in answer.content.decode()
    assert "bygone = 1" in toml
    assert (form.status_code, "mine@4: CT" in form.content.decode()) == (200, False)
    with pytest.raises(CommandError, match="Unknown setting: bygone"):
        run("models", "export", "mine@4", str(tmp_path / "out"))


def test_a_checkpoint_that_made_images_stays_and_another_goes_with_its_files(model: Checkpoint) -> None:
    earlier = Checkpoint.objects.get(name="mine@2")
    storage, file = earlier.weights.storage, str(earlier.weights.name)
    pixels_of("mine@4", "A")

    run("models", "remove", "mine@2")

    assert not storage.exists(file)
    with pytest.raises(CommandError, match="made images"):
        run("models", "remove", "mine@4")


def test_pruning_leaves_the_newest(model: Checkpoint) -> None:
    assert run("models", "prune", "mine", "--keep=1") == {
        "removed": ["mine@2"],
        "best": "mine@4",
        "best_by": "",
    }
    assert list(TrainingRun.objects.get().checkpoints.all()) == [model]


def test_a_zip_that_is_damaged_inside_is_answered_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("lungrater.json", json.dumps({"config": list(range(500))}))
    content = bytearray(path.read_bytes())
    content[44:48] = b"\xff" * 4  # the first packed bytes, behind the head and the name
    path.write_bytes(content)

    with pytest.raises(CommandError, match="neither a folder nor a zip that can be read"):
        run("models", "import", str(path), "--name=x")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("export", "nobody", "x"), "no model 'nobody'"),
        (("export", "mine", "."), "is there already"),
        (("import", "/nowhere", "--name=x"), "neither a folder nor a zip"),
        (("import", "/tmp", "--name=x"), "it has no model_index.json"),
        (("import", "/tmp", "--name=mine"), "already"),
        (("remove", "nobody"), "no checkpoint"),
        (("prune", "nobody"), "no run"),
    ],
)
def test_what_cannot_be_is_answered_with_a_sentence(
    model: Checkpoint, words: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("models", *words)
