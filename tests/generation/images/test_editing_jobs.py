"""Jobs whose images start from others of the pool: by command and form, what is written of them, what is refused."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from generation.diffusion.sampling.region import region_of
from generation.models import Checkpoint, GenerationJob
from pool.canonical.previews import stored_pixels
from pool.models import Dataset, Image
from tests.factories import make_dataset, make_image, make_pixels
from tests.generation.makers import make_checkpoint, make_job
from tests.generation.tiny import CLASSES

pytestmark = pytest.mark.django_db
REGION = "box 0.25 0.25 0.5 0.5"


@pytest.fixture
def lungs(tmp_path: Path) -> Dataset:
    """Three patients' images of the model's own size, and the model."""
    make_checkpoint(tmp_path, classes=CLASSES)
    dataset = make_dataset("Lungs")
    for number in range(3):
        make_image(dataset, pixels=make_pixels(side=16, seed=number), patient=f"patient {number}")
    return dataset


def generate(*words: str) -> None:
    first = ("generate", "--model=tiny", "--label=opacity", "--dataset=Fakes", "--steps=3", "--seed=4")
    call_command(*first, *words, stdout=StringIO())


def test_a_region_is_drawn_into_each_real_image_in_turn_and_the_rest_stays_bit_for_bit(
    lungs: Dataset,
) -> None:
    inside = region_of(REGION, 16)

    generate("--count=5", "--edit-each=Lungs", f"--region={REGION}")

    sources = list(lungs.images.order_by("pixel_sha256"))
    fakes = Image.objects.filter(dataset__name="Fakes").order_by("provenance__index")
    assert len(fakes) == 5
    for number, fake in enumerate(fakes):
        source, pixels = sources[number % 3], stored_pixels(fake)
        assert np.array_equal(pixels[~inside], stored_pixels(source)[~inside])
        assert (pixels[inside] != stored_pixels(source)[inside]).any()
        assert fake.provenance["edit_of"] == str(source.pk)
        assert fake.provenance["edit_of_sha256"] == source.pixel_sha256
        assert (fake.provenance["region"], fake.provenance["strength"]) == (REGION, 1.0)
        assert fake.patient_key == source.patient_key != ""
        assert fake.label == "opacity"
        assert "fid" not in fake.provenance


def test_a_mask_of_the_pool_says_where_and_is_named(lungs: Dataset) -> None:
    bright = np.zeros((16, 16), dtype=np.uint8)
    bright[2:5, 7:9] = 255
    mask = make_image(make_dataset("Masks", modality="other"), pixels=bright)
    source = lungs.images.all()[0]

    generate("--count=1", f"--edit-of={source.pk}", f"--mask={mask.pk}", "--strength=0.9")

    fake = Image.objects.get(dataset__name="Fakes")
    assert np.array_equal(stored_pixels(fake)[bright == 0], stored_pixels(source)[bright == 0])
    assert fake.provenance["mask"] == str(mask.pk)
    assert fake.provenance["mask_sha256"] == mask.pixel_sha256


def test_what_cannot_be_is_refused_in_the_form(lungs: Dataset) -> None:
    image, slice_ = lungs.images.all()[0], make_image(make_dataset("Slices", modality="ct"))
    start = f"--edit-of={image.pk}"
    refusals = {
        (start,): "--strength: Say how far from it",
        (f"--region={REGION}",): "--region: This needs an image to start from.",
        ("--strength=0.5",): "--strength: This needs an image",
        (start, "--edit-each=Lungs", "--strength=0.5"): "not from both",
        (start, "--region=disc 0 0 1 1"): "--region: A region is",
        (start, f"--region={REGION}", f"--mask={image.pk}"): "not both",
        (start, "--strength=1.5"): "--strength: ",
        (f"--edit-of={slice_.pk}", "--strength=0.5"): "tiny makes xray images; this is ct.",
        ("--edit-each=Nothing", "--strength=0.5"): "no dataset 'Nothing'",
    }

    for words, sentence in refusals.items():
        with pytest.raises(CommandError, match=sentence):
            generate("--count=1", *words)

    assert not GenerationJob.objects.exists()


def test_a_source_that_was_excluded_meanwhile_fails_the_job_in_a_sentence(lungs: Dataset) -> None:
    Image.objects.update(excluded_reason="blurred")
    settings = {"steps": 2, "edit_each": lungs.pk, "strength": 0.5}
    checkpoint = Checkpoint.objects.get(name="tiny")

    job = make_job(engine="diffusion", checkpoint=checkpoint, settings=settings, label="opacity")
    job.perform()

    assert (job.state, job.error) == (
        "failed",
        "What was to be started from is not in the pool, or somebody has excluded it.",
    )


def test_guidance_in_an_interval_and_rescaled_is_noted_and_refused_where_it_does_nothing(
    lungs: Dataset,
) -> None:
    generate(
        "--count=1", "--guidance=3", "--guidance-low=0.2", "--guidance-high=0.7", "--guidance-rescale=0.5"
    )

    noted = Image.objects.get(dataset__name="Fakes").provenance
    names = ("guidance", "guidance_low", "guidance_high", "guidance_rescale")
    assert [noted[name] for name in names] == [3.0, 0.2, 0.7, 0.5]
    with pytest.raises(CommandError, match="--guidance-low: Without guidance above 1"):
        generate("--count=1", "--guidance-low=0.2")
    with pytest.raises(CommandError, match="from one noise level to a higher one"):
        generate("--count=1", "--guidance=3", "--guidance-low=0.7", "--guidance-high=0.2")
