"""Any diffusers pipeline of a local folder: seeds, prompts, LoRA files, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from diffusers import DPMSolverMultistepScheduler

from generation.diffusion.finetuning.pipelines import PipelineSource
from generation.images.engines import pipeline
from generation.images.engines.pipeline import PipelineEngine
from generation.images.engines.protocol import EngineError, EngineImage, GenerationRequest, ImageSpec
from tests.generation.makers import make_job
from tests.generation.tiny_pipeline import save_lora, save_tiny_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_pipeline(tmp_path_factory.mktemp("models") / "pipelines" / "tiny-sd")


@pytest.fixture(autouse=True)
def cold() -> Iterator[None]:
    yield
    pipeline.pipeline_cache.clear()


def make(
    source: Path | PipelineSource, indices: list[int], *, batch: int = 2, **request: Any
) -> dict[int, EngineImage]:
    given: dict[str, Any] = {"prompt": "a lung", "seed": 5, "settings": {"steps": 2}, **request}
    wanted = GenerationRequest(modality="xray", **given)
    engine = PipelineEngine(PipelineSource(source) if isinstance(source, Path) else source, batch=batch)
    return {p.index: p for p in engine.generate(wanted, indices) if isinstance(p, EngineImage)}


def differ(one: EngineImage, other: EngineImage) -> int:
    return int(np.abs(one.pixels.astype(int) - other.pixels.astype(int)).max())


def test_image_k_is_the_same_in_any_batch_and_after_any_restart(folder: Path) -> None:
    together = make(folder, [0, 1, 2, 3], batch=4)
    alone = make(folder, [3, 1], batch=1)

    assert together[0].pixels.ndim == 2
    for index, image in alone.items():
        assert image.seed == together[index].seed
        assert differ(image, together[index]) <= 1
    assert differ(together[0], together[1]) > 1


def test_each_image_of_a_batch_may_have_its_own_prompt(folder: Path) -> None:
    image_specs = [ImageSpec("normal lung", "normal"), ImageSpec("very ill lung", "ill")]

    mixed = make(folder, [0, 1], image_specs=image_specs)
    plain = make(folder, [1], prompt="very ill lung", batch=1)

    assert [mixed[k].provenance["prompt"] for k in (0, 1)] == ["normal lung", "very ill lung"]
    assert differ(mixed[1], plain[1]) <= 1


def test_what_made_the_image_is_written_down(folder: Path) -> None:
    facts = make(folder, [0], settings={"steps": 2, "sampler": "dpm-solver++", "guidance": 3})[0].provenance

    assert facts["pipeline"] == "StableDiffusionPipeline"
    assert facts["scheduler"] == "DPMSolverMultistepScheduler"
    assert facts["guidance_scale"] == 3.0
    assert facts["model_sha256"] == PipelineSource(folder).fingerprint()
    assert len(facts["model_sha256"]) == 64


def test_a_lora_changes_the_image_as_strongly_as_it_is_told(folder: Path, tmp_path: Path) -> None:
    lora = save_lora(tmp_path / "loras" / "chest.safetensors", folder)
    plain = make(folder, [0])[0]

    weak = make(PipelineSource(folder, lora, 0.0), [0])[0]
    strong = make(PipelineSource(folder, lora, 2.0), [0])[0]

    assert differ(plain, weak) <= 1
    assert differ(plain, strong) > 1
    assert strong.provenance["lora"] == "chest.safetensors"
    assert strong.provenance["model_sha256"] != plain.provenance["model_sha256"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "from 1 to 1000"),
        ({"sampler": "magic"}, "There is no sampler magic"),
        ({"sampler": "flow-euler"}, "was not trained for"),
        ({"precision": "int1"}, "fp32, bf16, fp16"),
    ],
)
def test_a_setting_it_lacks_is_a_sentence(folder: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        make(folder, [0], settings=settings)


def spoilt(folder: Path, to: Path, **changes: Any) -> Path:
    shutil.copytree(folder, to)
    index = json.loads((to / "model_index.json").read_text())
    (to / "model_index.json").write_text(json.dumps(index | changes))
    return to


def test_no_code_of_a_folder_is_ever_run(folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    own = spoilt(folder, tmp_path / "own", unet=["my_unet", "MyUNet"])
    (own / "unet" / "my_unet.py").write_text(f"open({str(proof)!r}, 'w')\nclass MyUNet: pass\n")
    named = spoilt(folder, tmp_path / "named", _class_name=["evil", "Evil"])

    with pytest.raises(EngineError, match="wants unet from my_unet"):
        make(own, [0])
    with pytest.raises(EngineError, match="code of its own"):
        make(named, [0])
    assert not proof.exists()


def test_weights_that_are_no_safetensors_or_damaged_are_refused(folder: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(folder, pickled)
    weights = pickled / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    short = cut / "unet" / "diffusion_pytorch_model.safetensors"
    short.write_bytes(short.read_bytes()[:1000])

    for broken in (pickled, cut):
        with pytest.raises(EngineError, match=broken.name):
            make(broken, [0])


@pytest.mark.django_db
def test_a_job_names_its_pipeline_and_labels_each_image_by_its_image_spec(
    folder: Path, settings: Any
) -> None:
    settings.MODELS_DIR = folder.parents[1]
    image_specs = [{"prompt": "a lung", "label": "normal"}, {"prompt": "a bad lung", "label": "ill"}]
    job = make_job(
        total=3,
        engine="pipeline",
        api_model="tiny-sd",
        prompt="x",
        image_specs=image_specs,
        settings={"steps": 2},
    )

    job.perform()

    assert job.state == "succeeded", job.error
    images = [(one.prompt, one.image.label) for one in job.outcomes.with_image() if one.image]
    assert images == [("a lung", "normal"), ("a bad lung", "ill"), ("a lung", "normal")]


@pytest.mark.django_db
def test_a_pipeline_that_is_not_there_fails_the_job_in_a_sentence(settings: Any, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path
    job = make_job(engine="pipeline", api_model="../etc", prompt="x")

    job.perform()

    assert job.state == "failed"
    assert "There is no pipeline '../etc'" in job.error


@pytest.mark.parametrize(("vae", "clips"), [(object(), False), (None, True)])
def test_a_sampler_chosen_for_a_pipeline_clips_pixels_and_never_latents(vae: object, clips: bool) -> None:
    pipe = SimpleNamespace(scheduler=DPMSolverMultistepScheduler(), vae=vae)

    for name in pipeline.CLIPPING:
        pipeline._set_scheduler(pipe, name, "its folder")

        assert pipe.scheduler.config.clip_sample is clips
