"""A quality report from two datasets to its page: numbers, copies, verdicts in the pool, files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from scipy.ndimage import gaussian_filter

from accounts.models import User
from generation.metrics.number import Number
from generation.models import QualityReport
from pool import splits
from pool.canonical.typed_json import as_json, from_json
from pool.copies.rule import altered
from pool.imports.store import add_image
from pool.models import Dataset, Image, NearCopy, Origin
from tests.api.callers import caller
from tests.api.described import faults
from tests.factories import make_dataset, make_image
from tests.generation.metrics.image_samples import GridExtractor, patient

pytestmark = pytest.mark.django_db

EACH = 30


@pytest.fixture(autouse=True)
def quick_extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.quality.extraction.extractor", lambda _spec: GridExtractor())


@pytest.fixture
def real() -> Dataset:
    dataset = make_dataset("Real")
    for number in range(EACH):
        add_image(
            dataset,
            patient(number),
            label="normal" if number % 2 else "opacity",
            patient=f"p{number}",
            source_name=f"p{number}",
        )
    return dataset


@pytest.fixture
def fakes() -> Dataset:
    """Smoother than the real ones, by two models, and two of them copies of real images 3 and 4."""
    dataset = make_dataset("Fakes", origin=Origin.SYNTHETIC)
    dice = np.random.default_rng(0)
    for number in range(EACH - 2):
        pixels = gaussian_filter(patient(100 + number), 1.0)
        made_by = {"engine": "diffusion", "model": "one" if number < 14 else "two", "checkpoint_step": 5}
        add_image(dataset, pixels, label="normal" if number % 2 else "opacity", provenance=made_by)
    for number in (3, 4):
        add_image(dataset, altered(patient(number), dice), label="normal", provenance={"engine": "diffusion"})
    return dataset


def judged(reference: Dataset, candidate: Dataset, **fields: Any) -> QualityReport:
    report = QualityReport.objects.create(reference=reference, candidate=candidate, **fields)
    report.perform()
    assert report.state == "succeeded", report.error
    return report


def by_key(report: QualityReport) -> dict[str, Number]:
    return {number.key: number for number in report.numbers}


def test_every_number_has_its_counts_interval_and_extractor_also_by_finding_and_generator(
    real: Dataset, fakes: Dataset
) -> None:
    report = judged(real, fakes)

    numbers = by_key(report)
    assert set(numbers) == {
        *("fid", "kid", "mmd", "precision", "recall", "density", "coverage"),
        *("ms_ssim_real", "ms_ssim_fake", "grey_levels", "spectrum", "machine_auc"),
    }
    machine_auc = numbers.pop("machine_auc")  # the blur gives every one of them away: that has no width
    assert (machine_auc.estimate, machine_auc.ci) == (1.0, None)
    assert "No interval: every resample gave the same." in machine_auc.note
    for number in numbers.values():
        assert number.estimate is not None, number
        assert number.ci is not None, number
        assert number.ci[0] <= number.estimate <= number.ci[1], number
        assert (number.n_real, number.n_fake) == (EACH, EACH)
    assert "biased upwards" in numbers["fid"].note
    assert report.results["extractor"] == {"name": "grid", "sha256": "0" * 64, "dimensions": 64}
    parts = report.results["parts"]
    assert set(parts["finding"]) == {"normal", "opacity"}
    assert set(parts["generator"]) == {"one, step 5", "two, step 5", "diffusion"}
    of_normal = {number["key"]: number for number in parts["finding"]["normal"]}
    assert (of_normal["kid"]["n_real"], of_normal["kid"]["n_fake"]) == (15, 16)
    assert of_normal["kid"]["estimate"] is not None
    assert all(number["reason"] for number in parts["generator"]["diffusion"])  # two images


def test_a_program_gets_what_the_document_says(real: Dataset, fakes: Dataset, researcher: User) -> None:
    report, waiting = judged(real, fakes), QualityReport.objects.create(reference=real, candidate=fakes)

    facts, none_yet = (
        caller(researcher).get(f"/api/v1/quality-reports/{each.pk}").json() for each in (report, waiting)
    )

    assert faults("QualityFacts", facts) == []
    assert facts["results"] == report.results
    assert none_yet["results"] is None


def test_the_planted_copies_are_found_and_only_they_are_held_back(real: Dataset, fakes: Dataset) -> None:
    report = judged(real, fakes)

    copied = {
        str(copy.image.pk): copy.of.source_name for copy in NearCopy.objects.select_related("image", "of")
    }
    assert sorted(copied.values()) == ["p3", "p4"]
    assert {pair["fake"] for pair in report.results["copies"]} == set(copied)
    assert Image.objects.shown_freely().filter(dataset=fakes).count() == EACH - 2
    assert report.results["calibration"]["caught"] == report.results["calibration"]["planted"]

    # One that is taken out of the reference is held back no longer.
    Image.objects.filter(dataset=real, source_name="p3").update(excluded_reason="blurred")
    judged(real, fakes)
    assert NearCopy.objects.get().of.source_name == "p4"


def test_what_a_model_was_trained_on_is_searched_although_the_reference_lacks_it(real: Dataset) -> None:
    trained_on, fakes = make_dataset("Seen"), make_dataset(origin=Origin.SYNTHETIC)
    original = add_image(trained_on, patient(500))
    add_image(fakes, altered(patient(500), np.random.default_rng(2)), provenance={"trained_on": "Seen"})
    add_image(fakes, patient(600), provenance={"trained_on": "Seen"})

    report = judged(real, fakes)

    assert NearCopy.objects.get().of == original
    assert by_key(report)["fid"].estimate is None
    assert "too few" in by_key(report)["fid"].reason


def test_the_dataset_carries_its_numbers_for_the_rating_side(
    real: Dataset, fakes: Dataset, researcher: User, client_of: Callable[[User], Client]
) -> None:
    from rating.results.query import measured

    report = judged(real, fakes)

    fakes.refresh_from_db()
    assert measured("machine_auc", {}, fakes.measurements) == by_key(report)["machine_auc"].estimate
    assert fakes.measurements["copies"]["value"] == 2
    page = client_of(researcher).get("/pool/datasets/").content.decode()
    assert "Near-copies of real images 2" in page
    assert "against “Real”, extractor grid" in page


def test_the_report_is_the_same_when_made_again(real: Dataset, fakes: Dataset) -> None:
    assert judged(real, fakes, seed=3).results == judged(real, fakes, seed=3).results


def test_of_large_datasets_so_many_are_drawn_as_asked(real: Dataset, fakes: Dataset) -> None:
    report = judged(real, fakes, most=8)

    assert (report.results["n_real"], report.results["n_fake"]) == (8, 8)
    assert "too few real images" in report.results["calibration"]["reason"]


def test_an_older_report_that_could_not_calibrate_does_not_say_that_nothing_was_copied(
    real: Dataset, fakes: Dataset, researcher: User, client_of: Callable[[User], Client]
) -> None:
    report = judged(real, fakes, most=12)
    report.results |= {"calibration": None, "no_calibration": "Too few real images.", "copies": []}
    report.save(update_fields=["results"])

    page = client_of(researcher).get(report.get_absolute_url()).content.decode()

    assert "could not be calibrated. Too few real images." in page
    assert "None of 12 fakes" not in page


def test_a_number_of_an_older_report_is_read_without_what_came_later() -> None:
    number = Number("fid", "Fréchet distance", "lower", 20, 20, 1.5, (1.0, 2.0))
    older = as_json(number)
    del older["extractor"]

    assert from_json(Number, older) == number
    del older["key"]
    with pytest.raises(KeyError):
        from_json(Number, older)


def test_a_dataset_without_images_fails_with_a_sentence(real: Dataset) -> None:
    report = QualityReport.objects.create(reference=real, candidate=make_dataset("Empty"))

    report.perform()

    assert (report.state, report.error) == ("failed", "“Empty” has no images to compare.")


def test_the_page_shows_numbers_images_figures_and_files(
    real: Dataset, fakes: Dataset, researcher: User, client_of: Callable[[User], Client]
) -> None:
    report, browser = judged(real, fakes), client_of(researcher)
    path = report.get_absolute_url()

    page = browser.get(path).content.decode()

    assert f"2 of {EACH} fakes repeat a real image" in page
    assert "Fréchet distance FD (grid)" in page
    assert "Generator: two, step 5" in page
    for name in ("grey_levels", "spectrum"):
        assert b"<svg" in browser.get(f"{path}figures/{name}.svg").content
    assert b"".join(browser.get(f"{path}saliency.png")).startswith(b"\x89PNG")
    assert browser.get(f"{path}figures/nothing.svg").status_code == 404
    assert json.loads(browser.get(f"{path}numbers.json").content)["n_fake"] == EACH
    rows = list(csv.DictReader(io.StringIO(browser.get(f"{path}numbers.csv").content.decode())))
    assert {row["part"] for row in rows} == {"all", "finding", "generator"}
    assert all(row["estimate"] or row["reason"] for row in rows)
    assert " style=" not in page


def test_a_report_is_queued_from_the_form_and_followed(
    real: Dataset, fakes: Dataset, researcher: User, client_of: Callable[[User], Client], monkeypatch: Any
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_given, **_where: None)
    browser = client_of(researcher)
    wish = {"candidate": fakes.pk, "reference": real.pk, "split": "", "most": 100, "seed": 0}

    answer = browser.post("/generation/quality/new/", wish)

    report = QualityReport.objects.get()
    assert answer.headers["Location"] == report.get_absolute_url()
    assert "lungrater worker --queues gpu" in browser.get(report.get_absolute_url()).content.decode()
    report.perform()
    assert browser.get(f"{report.get_absolute_url()}progress").headers["HX-Refresh"] == "true"


@pytest.mark.parametrize("modality", ["ct", "xray"])
def test_datasets_that_do_not_compare_are_refused_on_the_form(
    modality: str, researcher: User, client_of: Callable[[User], Client]
) -> None:
    fakes = make_dataset(origin=Origin.SYNTHETIC)
    make_image(fakes)
    other = make_dataset(modality="ct") if modality == "ct" else fakes
    if modality == "ct":
        make_image(other)
    wish = {"candidate": fakes.pk, "reference": other.pk, "split": "", "most": 100, "seed": 0}

    answer = client_of(researcher).post("/generation/quality/new/", wish)

    assert answer.status_code == 422
    assert ("they do not compare" if modality == "ct" else "Choose two datasets") in answer.content.decode()
    assert not QualityReport.objects.exists()


def test_the_command_prints_the_numbers_and_refuses_unknown_names(
    real: Dataset, fakes: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("quality", reference="Real", candidate="Fakes", json=True)

    report = json.loads(capsys.readouterr().out)
    assert {number["key"] for number in report["numbers"]} >= {"fid", "kid", "machine_auc"}
    assert len(report["copies"]) == 2
    with pytest.raises(CommandError, match="no dataset 'Nowhere'"):
        call_command("quality", reference="Real", candidate="Nowhere")


def test_real_xrays_against_smoothed_ones_with_the_extractor_that_ships(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other patients' X-rays are hard to tell from real ones, blurred ones are not."""
    from generation.metrics.extractors import SmallExtractor
    from pool.imports.raster import decode

    monkeypatch.setattr("generation.quality.extraction.extractor", lambda _spec: SmallExtractor())
    with (shared_data / "xray" / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source_repo"].startswith("muhammedtalo")][:90]
    arms = {
        name: make_dataset(name, origin=origin)
        for name, origin in (("A", Origin.REAL), ("B", Origin.SYNTHETIC), ("C", Origin.SYNTHETIC))
    }
    for place, row in enumerate(rows):
        pixels = decode((shared_data / "xray" / row["file"]).read_bytes())
        shown = pixels if place % 3 < 2 else gaussian_filter(pixels, 1.5)
        add_image(arms["ABC"[place % 3]], shown, label=row["label"], patient=row["patient_group"])

    others, blurred = (by_key(judged(arms["A"], arms[name])) for name in "BC")

    assert others["machine_auc"].ci is not None
    assert others["machine_auc"].ci[0] < 0.7
    assert (blurred["machine_auc"].estimate or 0) > 0.95
    assert (blurred["spectrum"].estimate or 0) > 3 * (others["spectrum"].estimate or np.inf)
    assert not NearCopy.objects.exists()


def test_test_means_held_out_in_a_report_as_in_training_marked_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(splits, "ENOUGH_TO_SPLIT", 20)
    real, fakes = make_dataset("Real"), make_dataset("Fakes", origin="synthetic")
    for number in range(30):
        make_image(real, patient=f"patient {number}")
    held_out, learned = splits.held_out_images(real), splits.training_images(real)

    sides = {
        side: QualityReport(reference=real, candidate=fakes, split=side).reference_images()
        for side in ("", "train", "test")
    }

    assert 0 < held_out.count() < 30
    assert set(sides["test"]) == set(held_out)
    assert set(sides["train"]) == set(learned)
    assert sides[""].count() == 30
    with pytest.raises(ValidationError, match="Nothing is held out"):
        QualityReport(reference=fakes, candidate=real, split="test").clean()
