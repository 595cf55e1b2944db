"""A dataset given away: what goes out, what is refused, what marks it, and that it comes back as it was."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import c2pa
import mlcroissant
import numpy as np
import pydicom
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from PIL import Image as Picture

from accounts.membership.models import Part
from pool.canonical.pixels import blinded_derivative, decode_png, pixel_sha256
from pool.imports.archives import ImportItem, from_paths
from pool.imports.labels import NoLabels
from pool.imports.store import bring_in
from pool.models import Dataset, DatasetRelease, NearCopy, Origin
from pool.publication.dicom_file import dicom_chunks
from pool.publication.marks import SOURCE_TYPE
from pool.publication.rules import known_licence, reasons_not_to_release
from pool.storage.slices import slice_files
from pool.storage.stored_files import stored_bytes
from tests.api.callers import caller
from tests.factories import make_dataset, make_image, make_pixels, make_stack

pytestmark = pytest.mark.django_db
MARKS = (b"c2pa", b"trainedAlgorithmicMedia", b"DigitalSourceType", b"caBX")


def synthetic(bits=8, count=3) -> Dataset:
    dataset = make_dataset("Generated lungs", origin=Origin.SYNTHETIC)
    for number in range(count):
        provenance = {
            "engine": "diffusion",
            "model": "Run 7",
            "prompt": f"lungs {number % 2}",
            "seed": number,
        }
        pixels = make_pixels(bits=bits, seed=number)
        make_image(dataset, pixels=pixels, label="Effusion|Mass" if number else "", provenance=provenance)
    return dataset


def sources(path):
    """The files there, as an import sees them."""
    return from_paths([ImportItem(path, path.name)], NoLabels())


def released(dataset, tmp_path, images="png"):
    folder = tmp_path / "release"
    call_command("release", dataset.name, output=folder, images=images)
    return folder


def content_of(dataset) -> dict[str, str]:
    return dict(dataset.images.values_list("pixel_sha256", "label"))


@pytest.mark.parametrize(("images", "bits"), [("png", 8), ("png", 16), ("dicom", 8), ("dicom", 16)])
def test_what_went_out_comes_back_with_the_same_pixels_and_findings(images, bits, tmp_path):
    dataset = synthetic(bits)
    folder = released(dataset, tmp_path, images)

    call_command(
        *("import", str(folder), "--dataset", "Again", "--origin", "synthetic", "--modality", "xray"),
        *("--layout", "imagefolder"),
    )

    again = Dataset.objects.get(name="Again")
    assert content_of(again) == content_of(dataset)
    assert not again.held_files.exists()
    assert all("Marks" in image.provenance for image in again.images.all())


def test_each_png_carries_a_manifest_and_xmp_that_other_programs_read(tmp_path):
    folder = released(synthetic(16), tmp_path)

    files = sorted((folder / "images").iterdir())
    assert len(files) == 3
    for file in files:
        report = json.loads(c2pa.Reader("image/png", io.BytesIO(file.read_bytes())).json())
        manifest = report["manifests"][report["active_manifest"]]
        action = manifest["assertions"][0]["data"]["actions"][0]
        assert action["digitalSourceType"] == SOURCE_TYPE
        problems = {problem["code"] for problem in report.get("validation_status", [])}
        assert problems <= {"signingCredential.untrusted"}  # a test certificate, which nobody trusts
        with Picture.open(file) as image:
            assert SOURCE_TYPE in image.info["XML:com.adobe.xmp"]
    assert "a test certificate that nobody trusts" in (folder / "README.md").read_text()


def test_each_dicom_file_says_that_it_is_synthetic_and_how_it_was_derived(tmp_path):
    dataset = synthetic(16)
    folder = released(dataset, tmp_path, "dicom")

    for image in dataset.images.all():
        file = pydicom.dcmread(folder / "images" / f"{image.pk.hex}.dcm")
        assert file[0x0008, 0x001C].value == "YES"
        assert "diffusion, Run 7" in file.DerivationDescription
        assert SOURCE_TYPE in file.DerivationDescription
        assert file.ImageType == ["DERIVED", "SECONDARY"]
        assert pixel_sha256(file.pixel_array.astype(np.uint16)) == image.pixel_sha256


@pytest.mark.parametrize("bits", [8, 16])
def test_a_stack_goes_out_as_one_file_and_comes_back_slice_by_slice(bits, tmp_path):
    dataset = make_dataset("Volumes", origin=Origin.SYNTHETIC)
    slices = [make_pixels(bits=bits, seed=seed) for seed in range(5)]
    make_stack(dataset, slices, label="Nodule")
    make_image(dataset, pixels=make_pixels(bits=bits, seed=9), label="Mass")
    with pytest.raises(CommandError, match="release it as DICOM"):
        released(dataset, tmp_path)
    folder = released(dataset, tmp_path, "dicom")

    call_command(
        *("import", str(folder), "--dataset", "Again", "--origin", "synthetic", "--modality", "xray"),
        *("--layout", "imagefolder", "--slices", "stack"),
    )

    again = Dataset.objects.get(name="Again")
    assert content_of(again) == content_of(dataset)
    stack = again.images.get(label="Nodule")
    files = slice_files(stack, stack.slices)
    values = [decode_png(stored_bytes(file, "a slice")) for file in files]
    np.testing.assert_array_equal(values, slices)
    assert "SyntheticData" in stack.provenance["Marks"]
    rows = csv.DictReader(io.StringIO((folder / "metadata.csv").read_text()))
    assert {row["label"]: row["slices"] for row in rows} == {"Nodule": "5", "Mass": "1"}
    (path,) = (folder / "images").glob(f"{dataset.images.get(slices=5).pk.hex}.dcm")
    file = pydicom.dcmread(path)
    assert (file.NumberOfFrames, file.SyntheticData) == (5, "YES")


def test_a_stack_is_read_a_slice_at_a_time_as_its_file_is_written():
    """Gigabytes of slices must not wait in memory for the last of them."""
    slices = [make_pixels(bits=16, seed=seed) for seed in range(4)]
    stack = make_stack(make_dataset(origin=Origin.SYNTHETIC), slices)
    read = []

    def frames():
        for number, pixels in enumerate(slices):
            read.append(number)
            yield pixels

    steps = [(len(chunk), len(read)) for chunk in dicom_chunks(stack, frames(), software="a test")]

    of_slice = slices[0].nbytes
    assert steps[1:] == [(12, 1), *((of_slice, number) for number in (1, 2, 3, 4))]


def test_a_stack_of_more_than_one_dicom_file_holds_is_refused_before_it_is_read(tmp_path, monkeypatch):
    dataset = make_dataset("Volumes", origin=Origin.SYNTHETIC)
    slices = [make_pixels(bits=16, seed=seed) for seed in range(5)]
    make_stack(dataset, slices)
    most = 5 * slices[0].nbytes
    monkeypatch.setattr("pool.publication.dicom_file.MOST_BYTES", most)
    released(dataset, tmp_path / "as many as it holds", "dicom")
    monkeypatch.setattr("pool.publication.dicom_file.MOST_BYTES", most - 1)

    with pytest.raises(CommandError, match="one DICOM file holds less than 4: leave it out"):
        released(dataset, tmp_path / "one byte more", "dicom")


def test_no_mark_reaches_a_rater(tmp_path):
    folder = released(synthetic(), tmp_path)
    dataset = make_dataset(origin=Origin.SYNTHETIC)
    files = sorted((folder / "images").iterdir())
    assert all(mark in files[0].read_bytes() for mark in MARKS)

    list(bring_in(dataset, sources(folder / "images")))

    for image in dataset.images.all():
        stored = stored_bytes(image.file, "an image")
        derivative = blinded_derivative(decode_png(stored), side=64)
        assert not any(mark in content for mark in MARKS for content in (stored, derivative))
    assert dataset.images.count() == len(files)


def test_a_real_dataset_with_marked_files_inside_has_a_note(tmp_path):
    folder = released(synthetic(), tmp_path)
    real = make_dataset(origin=Origin.REAL)

    list(bring_in(real, sources(folder / "images")))

    image = real.images.first()
    assert image.provenance["Digital source type"] == "trainedAlgorithmicMedia"
    assert "C2PA manifest (signature not checked)" in image.provenance["Marks"]
    assert [note["code"] for note in image.notes] == ["marks"]


def test_croissant_has_no_error_and_its_records_are_the_images(tmp_path):
    dataset = synthetic()
    folder = released(dataset, tmp_path)

    document = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))

    assert not document.metadata.ctx.issues.errors
    rows = list(document.records("images"))
    assert {row["images/pixel_sha256"].decode() for row in rows} == set(content_of(dataset))
    words = json.loads((folder / "croissant.json").read_text())
    (file_set,) = [each for each in words["distribution"] if each["@type"] == "cr:FileSet"]
    assert {path.name for path in folder.glob(file_set["includes"])} == {
        Path(row["images/file_name"].decode()).name for row in rows
    }
    assert words["rai:hasSyntheticData"] is True
    for field in (
        "dataLimitations",
        "dataBiases",
        "personalSensitiveInformation",
        "dataUseCases",
        "dataSocialImpact",
    ):
        assert words[f"rai:{field}"]


def test_croissant_beside_a_zip_is_bound_to_it_and_its_records_are_read_out_of_it(tmp_path):
    dataset = synthetic()
    zipped = tmp_path / "lungs.zip"
    call_command("release", dataset.name, output=zipped)

    document = mlcroissant.Dataset(jsonld=str(tmp_path / "lungs.croissant.json"))

    assert not document.metadata.ctx.issues.errors
    rows = list(document.records("images"))
    assert {row["images/pixel_sha256"].decode() for row in rows} == set(content_of(dataset))
    words = json.loads((tmp_path / "lungs.croissant.json").read_text())
    archive, table, files = words["distribution"]
    assert archive["sha256"] == hashlib.sha256(zipped.read_bytes()).hexdigest()
    assert table["containedIn"] == files["containedIn"] == {"@id": archive["@id"]}


def test_page_and_api_give_croissant_that_is_bound_to_the_zip_they_give(researcher, client_of, tmp_path):
    dataset = synthetic()
    browser, program = client_of(researcher), caller(researcher)
    browser.post(reverse("pool:releases", args=[dataset.pk]), {"image_format": "png"})
    job = DatasetRelease.objects.get()
    early = program.get(f"/api/v1/releases/{job.pk}/croissant")
    job.perform()

    page = browser.get(reverse("pool:release_croissant", args=[job.pk]))
    by_program = program.get(f"/api/v1/releases/{job.pk}/croissant")
    fetched = browser.get(reverse("pool:release_file", args=[job.pk]))
    for answer, content in ((page, page.content), (fetched, fetched.getvalue())):
        (tmp_path / answer["Content-Disposition"].split('"')[1]).write_bytes(content)
    document = mlcroissant.Dataset(jsonld=str(tmp_path / "generated-lungs.croissant.json"))

    assert early.status_code == 409
    assert by_program.content == page.content
    assert not document.metadata.ctx.issues.errors
    rows = list(document.records("images"))
    assert {row["images/pixel_sha256"].decode() for row in rows} == set(content_of(dataset))
    archive, *_ = json.loads(page.content)["distribution"]
    assert archive["sha256"] == hashlib.sha256((tmp_path / "generated-lungs.zip").read_bytes()).hexdigest()


def test_a_zip_keeps_the_name_that_its_croissant_says_when_its_dataset_is_renamed():
    job = DatasetRelease.objects.create(dataset=synthetic())
    job.perform()

    Dataset.objects.update(name="Other name")
    job = DatasetRelease.objects.get()

    assert json.loads(job.croissant)["distribution"][0]["contentUrl"] == job.zip_name
    assert (job.zip_name, job.croissant_name) == ("generated-lungs.zip", "generated-lungs.croissant.json")


def test_croissant_goes_with_the_zip_and_an_older_release_says_that_it_has_none(researcher):
    program, dataset = caller(researcher), synthetic()
    dataset.share_with(researcher, Part.OWNER)
    job = DatasetRelease.objects.create(dataset=dataset, requested_by=researcher)
    job.perform()
    address = f"/api/v1/releases/{job.pk}/croissant"
    DatasetRelease.objects.update(croissant="")
    older = program.get(address)

    DatasetRelease.objects.update(croissant="{}")
    DatasetRelease.objects.all().drop_files()
    dropped = program.get(address)

    assert (older.status_code, dropped.status_code) == (409, 409)
    assert "make it again" in older.json()["detail"]
    assert DatasetRelease.objects.get().croissant == ""


def test_the_datasheet_tells_prompts_seeds_failures_and_copies(tmp_path):
    dataset = synthetic()
    copied, *_ = dataset.images.all()
    NearCopy.objects.create(image=copied, of=make_image(), similarity=0.99, threshold=0.8)
    dataset.images.filter(pk=copied.pk).update(excluded_reason="Repeats a real image.")

    folder = released(dataset, tmp_path)

    words = (folder / "DATASHEET.md").read_text()
    assert "diffusion, Run 7 (2)" in words
    assert "Seeds are known of 2 of 2 images" in words
    assert "1 were found and left out" in words
    assert "Repeats a real image. (1)" in words
    assert "A person must write this." in words
    rows = list(csv.DictReader(io.StringIO((folder / "metadata.csv").read_text())))
    assert {row["pixel_sha256"] for row in rows} == set(content_of(dataset)) - {copied.pixel_sha256}


def test_near_copies_of_real_images_that_nobody_has_decided_of_stop_a_release(tmp_path):
    dataset = synthetic()
    copied, *_ = dataset.images.all()
    NearCopy.objects.create(image=copied, of=make_image(), similarity=0.99, threshold=0.8)

    with pytest.raises(CommandError, match="leave each copy out on its page"):
        released(dataset, tmp_path)
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize(
    ("licence", "spdx"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
        ("CC0: Public Domain", "CC0-1.0"),
        ("CC BY-ND 4.0", None),
        ("CC BY-NC-ND 4.0", None),
        ("all rights reserved", None),
        ("permitted by the ethics board", None),
        ("", None),
    ],
)
def test_real_images_go_out_only_under_a_licence_that_allows_it(licence, spdx):
    dataset = make_image().dataset
    dataset.licence = licence

    known = known_licence(licence)

    assert (known.spdx if known else None) == spdx
    assert bool(reasons_not_to_release(dataset)) == (spdx is None)


def test_a_researcher_releases_on_the_page_and_fetches_the_zip(researcher, client_of):
    dataset = synthetic()
    browser = client_of(researcher)
    address = reverse("pool:releases", args=[dataset.pk])

    answer = browser.post(address, {"image_format": "png"})
    job = DatasetRelease.objects.get()
    job.perform()
    page = browser.get(answer["Location"]).content.decode()
    fetched = browser.get(reverse("pool:release_file", args=[job.pk])).getvalue()

    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    assert job.sha256 in page
    with zipfile.ZipFile(io.BytesIO(fetched)) as archive:
        names = set(archive.namelist())
    assert {
        "croissant.json",
        "DATASHEET.md",
        "CITATION.cff",
        "datacite.json",
        "dataset-metadata.json",
    } < names
    copied, *_ = dataset.images.all()
    NearCopy.objects.create(image=copied, of=make_image(), similarity=0.9, threshold=0.8)
    assert "leave each copy out" in browser.get(address).content.decode()
    assert browser.post(address, {"image_format": "png"}).status_code == 422


def test_marks_of_a_file_that_only_speaks_of_them_do_not_break_its_import(tmp_path):
    """A file may hold any bytes after its image."""
    dataset = make_dataset(origin=Origin.SYNTHETIC)
    with make_image().file.open("rb") as file:
        (tmp_path / "odd.png").write_bytes(file.read() + b"digitalsourcetype/" + b"A" * 500)

    outcome = list(bring_in(dataset, sources(tmp_path / "odd.png")))

    assert outcome[0].provenance["Digital source type"] == "A" * 50
