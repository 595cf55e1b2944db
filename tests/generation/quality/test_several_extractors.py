"""Several extractors in one report: every number says whose it is, in table, file, figure and pool."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from scipy.ndimage import gaussian_filter

from accounts.models import User
from generation.metrics.radiomics.frd import NAME, frd
from generation.models import QualityReport
from generation.quality.forms import QualityForm
from pool.canonical.pixels import Pixels, fitted_square
from pool.imports.store import add_image
from pool.models import Dataset, Origin
from tests.api.callers import caller, post
from tests.factories import make_dataset
from tests.generation.metrics.image_samples import GridExtractor, patient

pytestmark = pytest.mark.django_db

EACH = 12
RECIPE = 'name = "{}"\nlibrary = "torchscript"\nfile = "network.pt"\n'


class CoarseExtractor(GridExtractor):
    """The image at 4 × 4."""

    name, sha256, recipe_sha256, dimensions = "Coarse", "1" * 64, "2" * 64, 16

    def features(self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = lambda: None) -> Any:
        rows = [fitted_square(image, side=4).ravel() / 255 for image in images]
        return np.array(rows, dtype=np.float32).reshape(-1, 16)


def textures(images: Iterable[Pixels]) -> Any:
    return np.array([[image.mean(), image.std(), np.diff(image.astype(float)).std()] for image in images])


@pytest.fixture(autouse=True)
def quick_features(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    settings.MODELS_DIR, settings.RADIOMICS_PYTHON = tmp_path, "/python/of/frd-score"
    (tmp_path / "extractors").mkdir()
    (tmp_path / "extractors" / "coarse.toml").write_text(RECIPE.format("Coarse"))
    (tmp_path / "extractors" / "network.pt").write_bytes(b"weights")
    at = "generation.quality.extraction"
    monkeypatch.setattr(f"{at}.extractor", lambda spec: CoarseExtractor() if spec else GridExtractor())
    monkeypatch.setattr(f"{at}.radiomic_features", lambda _python, images, **_how: textures(images))


@pytest.fixture
def datasets() -> tuple[Dataset, Dataset]:
    real, fakes = make_dataset("Real"), make_dataset("Fakes", origin=Origin.SYNTHETIC)
    for number in range(EACH):
        add_image(real, patient(number), patient=f"p{number}")
        add_image(fakes, gaussian_filter(patient(100 + number), 1.0))
    return real, fakes


def judged(real: Dataset, fakes: Dataset, extractors: list[str]) -> QualityReport:
    report = QualityReport.objects.create(reference=real, candidate=fakes, extractors=extractors)
    report.perform()
    assert report.state == "succeeded", report.error
    return report


def test_each_number_carries_its_extractor_in_report_file_and_pool(
    datasets: tuple[Dataset, Dataset], researcher: User, client: Client
) -> None:
    report = judged(*datasets, ["site", "coarse", "frd"])

    distances = {number.name: number for number in report.numbers if number.key in {"fid", "frd"}}
    assert list(distances) == ["Fréchet distance FD (grid)", "Fréchet distance FD (Coarse)", NAME]
    real, fake = (
        textures([patient(number) for number in range(EACH)]),
        textures([gaussian_filter(patient(100 + number), 1.0) for number in range(EACH)]),
    )
    assert distances[NAME].estimate == pytest.approx(frd(real, fake, resamples=0).value)
    assert [facts["name"] for facts in report.results["extractors"]] == ["grid", "Coarse", "frd-score 1.0.1"]
    assert report.results["extractors"][1]["recipe_sha256"] == "2" * 64
    client.force_login(researcher)
    at = report.get_absolute_url()
    rows = list(csv.DictReader(io.StringIO(client.get(f"{at}numbers.csv").content.decode())))
    columns = {(row["key"], row["extractor"], row["extractor_sha256"][:1]) for row in rows}
    assert {("fid", "grid", "0"), ("fid", "Coarse", "1"), ("frd", "frd-score 1.0.1", "")} <= columns
    assert {("grey_levels", "", ""), ("machine_auc", "grid", "0")} <= columns
    page = client.get(at).content.decode()
    assert all(name in page for name in ("FD (grid)", "FD (Coarse)", NAME, "Coarse, 16 features"))
    figure = client.get(f"{at}figures/distances.svg")
    assert figure.status_code == 200
    measured = Dataset.objects.get(name="Fakes").measurements
    assert {measured[key]["extractor"] for key in ("fid", "fid:Coarse", "frd")} == {
        *("grid", "Coarse", "frd-score 1.0.1")
    }
    assert any("FD (Coarse)" in line for line in Dataset.objects.get(name="Fakes").measured_in_words)
    judged(*datasets, ["site"])
    assert not any("Coarse" in line for line in Dataset.objects.get(name="Fakes").measured_in_words)


def test_the_same_report_comes_from_the_command(
    datasets: tuple[Dataset, Dataset], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["--reference", "Real", "--candidate", "Fakes"]

    call_command("quality", *names, "--extractors", "coarse", "frd")

    printed = capsys.readouterr().out
    assert "measured by Coarse (111111111111), frd-score 1.0.1." in printed
    assert "FD (grid)" not in printed
    with pytest.raises(CommandError, match="none is not one of the available choices"):
        call_command("quality", *names, "--extractors", "none")


def test_a_declared_extractor_that_cannot_be_used_is_refused_by_the_form(
    datasets: tuple[Dataset, Dataset], settings: Any
) -> None:
    folder = Path(settings.MODELS_DIR) / "extractors"
    (folder / "torn.toml").write_text('library = "torchscript"\nfile = "network.pt"\n[image]\nside = 0')
    (folder / "network.pt").unlink()
    values = {"reference": datasets[0].pk, "candidate": datasets[1].pk, "most": 100, "seed": 0}

    form = QualityForm({**values, "extractors": ["coarse", "torn"]})

    assert form.errors["extractors"] == [
        "“Coarse” has no weights: there is no file network.pt where its recipe says.",
        "The recipe torn.toml needs a side from 8 to 2048 that is not larger than what is resized to.",
    ]


def test_a_program_names_several_and_is_told_which_there_are(
    datasets: tuple[Dataset, Dataset], researcher: User
) -> None:
    wish = {"reference": datasets[0].pk, "candidate": datasets[1].pk}
    program = caller(researcher)

    post(program, "/api/v1/quality-reports", {**wish, "extractors": ["coarse", "frd"]})
    refused = post(program, "/api/v1/quality-reports", {**wish, "extractors": ["none"]})
    post(program, "/api/v1/quality-reports", wish)

    reports = QualityReport.objects.order_by("pk").values_list("extractors", flat=True)
    assert list(reports) == [["coarse", "frd"], ["site"]]
    assert (refused.status_code, "none is not one of" in refused.content.decode()) == (422, True)


def test_two_extractors_of_one_name_are_refused_as_their_numbers_could_not_be_told_apart(
    datasets: tuple[Dataset, Dataset], settings: Any
) -> None:
    folder = Path(settings.MODELS_DIR) / "extractors"
    (folder / "twin.toml").write_text(RECIPE.format("Coarse") + "[image]\nside = 64\n")
    values = {"reference": datasets[0].pk, "candidate": datasets[1].pk, "most": 100, "seed": 0}

    twins = QualityForm({**values, "extractors": ["coarse", "twin"]})

    assert "under the name “Coarse”" in twins.errors["extractors"][0]
    assert QualityForm({**values, "extractors": ["site", "coarse", "frd"]}).is_valid()
