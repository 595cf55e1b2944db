"""The report's flow of images: what was asked for, what became of it, and what a blinded report keeps to itself."""

import json
import re

import pytest
from django.core.management import call_command

from generation.models import GeneratedImage, GenerationJob
from pool.models import Dataset
from pool.registers.image_flow import Flow, flow_of
from rating.results.build_report import report_on, results_of
from tests.factories import make_dataset, make_pixels
from tests.rating.cast import organiser, over_study

pytestmark = pytest.mark.django_db
LOST = ("failed", "refused", "refused", "filtered", "duplicate")


def generated_into(dataset: Dataset) -> None:
    """A job that was stopped: ten images asked for, the dataset's own made, five lost on the way."""
    images = list(dataset.images.all())
    job = GenerationJob.objects.create(engine="phantom", dataset=dataset, modality="xray", total=10)
    for index, image in enumerate(images):
        GeneratedImage.objects.create(job=job, index=index, outcome="made", image=image)
    for index, outcome in enumerate(LOST, start=len(images)):
        GeneratedImage.objects.create(job=job, index=index, outcome=outcome, reason="It was so.")


def flow_rows(study):
    flow = report_on(study, results_of(study), "2026-01-31").sections[2]
    return {piece.title: [list(row) for row in piece.table.rows] for piece in flow.pieces}


def test_generation_tells_how_many_images_it_was_asked_for_and_what_became_of_them(rater):
    study = over_study(raters=[rater], real=2, fake=3, unblinded=True)
    fakes = Dataset.objects.get(origin="synthetic")
    generated_into(fakes)
    fakes.images.first().exclude("Garbled letters", by=organiser())

    assert flow_of(fakes) == Flow(10, failed=1, refused=2, filtered=1, duplicates=1, never_tried=2)
    rows = flow_rows(study)
    assert [fakes.name, "synthetic", "X-ray", 10, 1, 2, 1, 1, 2, 3, 1, 0, 3] in rows["Flow of images"]
    assert rows["Why images were excluded"] == [[fakes.name, "Garbled letters", 1]]


def test_a_blinded_report_tells_nothing_of_how_its_images_came_about(rater):
    study = over_study(raters=[rater], real=2, fake=3)
    generated_into(Dataset.objects.get(origin="synthetic"))

    rows = flow_rows(study)

    assert rows["Flow of images"] == [["", None, "X-ray", *[None] * 9, 5]]
    assert "Why images were excluded" not in rows


def test_an_import_from_the_command_line_leaves_its_record(tmp_path, capsys):
    from pool.canonical.pixels import encode_png

    image = encode_png(make_pixels())
    (tmp_path / "one.png").write_bytes(image)
    (tmp_path / "same.png").write_bytes(image)
    (tmp_path / "broken.png").write_bytes(image[:40])

    words = {"dataset": "Ours", "origin": "synthetic", "modality": "xray", "model": "DDPM", "json": True}
    call_command("import", str(tmp_path), **words)

    report = json.loads(re.search(r"\{.*\}", capsys.readouterr().out).group())
    dataset = Dataset.objects.get(name="Ours")
    assert (report["imported"], len(report["duplicates"]), len(report["refused"])) == (1, 1, 1)
    assert flow_of(dataset) == Flow(3, refused=1, duplicates=1)
    assert flow_of(make_dataset()) == Flow()
    assert dataset.imports.get().provenance == {"model": "DDPM"}
