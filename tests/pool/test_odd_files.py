"""Files as people really have them: each of the manifest comes in as it should, with a note, or is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool.models import Image
from tests.pool.odd import (
    ODD,
    brought,
    labels_by_name,
    manifest,
    shows_the_phantom,
    the_image,
    the_pixels,
)

pytestmark = pytest.mark.django_db

Report = dict[str, Any]
CT = {
    "k02_ct_intercept_without_slope.dcm",
    "k02_enhanced_ct_one_frame.dcm",
    "k11_palette_shuffled_ct.dcm",
    "k14_two_windows_lung_second.dcm",
}


def phantom(report: Report) -> None:
    assert report["imported"] == 1, report
    assert shows_the_phantom(the_pixels())


def noted(code: str) -> Callable[[Report], None]:
    def check(report: Report) -> None:
        phantom(report)
        assert code in {note["code"] for note in report["notes"]}

    return check


def padding(report: Report) -> None:
    noted("padding")(report)
    low, high = np.percentile(the_pixels(), (5, 95))
    assert high - low > 0.5


def not_saturated(report: Report) -> None:
    assert report["imported"] == 1, report
    white_through_the_lungs = the_pixels()[:, : the_pixels().shape[1] // 2] > 0.999
    assert white_through_the_lungs.mean() < 0.5
    assert the_image().provenance["Window"].startswith("-600/1500")


def lungs_not_black(report: Report) -> None:
    noted("window")(report)
    assert (the_pixels() < 0.001).mean() < 0.2


def even(report: Report) -> None:
    assert report["imported"] == 0
    assert "one even grey level" in report["refused"][0]["reason"]


def not_square(report: Report) -> None:
    noted("shape")(report)
    assert (the_image().height, the_image().width) == (96, 80)


def deep(report: Report) -> None:
    assert report["imported"] == 1
    assert the_image().bits == 16
    assert len(np.unique(the_pixels())) > 200


def signed(report: Report) -> None:
    noted("bits")(report)


def raw(report: Report) -> None:
    assert "raw" in {note["code"] for note in report["notes"]}
    assert the_image().provenance["PresentationIntentType"] == "FOR PROCESSING"


def without_nul(report: Report) -> None:
    phantom(report)
    assert "\x00" not in str(the_image().provenance)


IMAGES: dict[str, Callable[[Report], None]] = {
    "k01_padding_65535.dcm": padding,
    "k02_ct_intercept_without_slope.dcm": not_saturated,
    "k02_enhanced_ct_one_frame.dcm": not_saturated,
    "k03_voilut_empty_sequence.dcm": noted("table"),
    "k03_voilut_short.dcm": noted("table"),
    "k04_rescale_empty.dcm": phantom,
    "k04_window_decimal_comma.dcm": phantom,
    "k05_slope_zero.dcm": noted("rescale"),
    "k05_black.png": even,
    "k06_dx_class_without_modality.dcm": phantom,
    "k06_modality_without_class.dcm": phantom,
    "k07_no_preamble_implicit.dcm": noted("header"),
    "k07_meta_without_transfer_syntax.dcm": noted("header"),
    "k08_htj2k_lossless.dcm": phantom,
    "k08_jpeg8_in_16_allocated.dcm": phantom,
    "k09_overlay_bit_j2k.dcm": noted("bits"),
    "k10_14bit_values_in_12_stored.dcm": noted("bits"),
    "k11_palette_shuffled_ct.dcm": noted("palette"),
    "k12_dx_grey_as_rgb.dcm": noted("colour"),
    "k13_pixel_spacing_2_to_1.dcm": not_square,
    "k14_two_windows_lung_second.dcm": lungs_not_black,
    "k15_rgb16_of_12bit.png": deep,
    "k23_big_endian_white_is_zero.tif": noted("inverted"),
    "k24_int8.tif": signed,
    "k25_nul_in_manufacturer.dcm": without_nul,
    "k26_dx_for_processing.dcm": raw,
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_odd_image_comes_in_as_it_should(name: str) -> None:
    report = brought(ODD / name, modality="ct" if name in CT else "xray")

    IMAGES[name](report)


def test_every_image_of_the_manifest_has_its_check() -> None:
    images = {row["file"] for row in manifest() if row["file"].endswith((".dcm", ".png", ".tif"))}

    assert images == set(IMAGES)


def test_notes_stand_on_the_image_and_can_be_filtered(tmp_path: Path) -> None:
    brought(ODD / "k13_pixel_spacing_2_to_1.dcm", ODD / "k04_rescale_empty.dcm")

    assert [image.source_name for image in Image.objects.matching(note="shape")] == [
        "k13_pixel_spacing_2_to_1.dcm"
    ]
    assert not Image.objects.matching(note="padding")
    assert Image.objects.matching(note="any").count() == 1


AS_IT_IS = {"001.png": "a", "002.png": "b", "003.png": "a", "004.png": "b"}


@pytest.mark.parametrize(
    "name", ["k18_no_extension.csv", "k18_longer_path.csv", "k19_rows_repeat_same_label.csv", "k27_tabs.csv"]
)
def test_an_odd_table_gives_its_labels(name: str) -> None:
    report = brought(ODD / "k18_pictures", labels=ODD / name)

    assert report["refused"] == []
    assert labels_by_name() == AS_IT_IS


def test_a_nul_in_a_table_costs_one_letter() -> None:
    brought(ODD / "k18_pictures", labels=ODD / "k25_nul_in_label.csv")

    assert labels_by_name() == {**AS_IT_IS, "001.png": "ab"}


def test_a_label_of_nine_findings_is_kept_and_found_by_each() -> None:
    brought(ODD / "k18_pictures", labels=ODD / "k28_nine_findings.csv")

    [image] = Image.objects.matching(label="Mass")
    assert image.source_name == "001.png"
    assert len(image.findings) == 9
    assert "Pleural_Thickening" in Image.objects.findings()


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("k16_backslashes.zip", {"covid", "normal"}),
        ("k17_utf8_without_flag.zip", {"Lungenentzündung", "肺炎"}),
    ],
)
def test_the_folders_of_an_odd_zip_are_its_labels(name: str, labels: set[str]) -> None:
    report = brought(ODD / name, labels="folder")

    assert report["refused"] == []
    assert set(labels_by_name().values()) == labels


def test_several_class_folders_are_labels() -> None:
    brought(ODD / "k20" / "covid", ODD / "k20" / "normal", labels="folder")

    assert labels_by_name() == {"covid/1.png": "covid", "normal/1.png": "normal"}


@pytest.mark.parametrize("name", ["k21_real", "k21_fake"])
def test_a_placeholder_is_no_patient(name: str) -> None:
    report = brought(ODD / name)

    assert report["imported"] == 4
    assert set(Image.objects.values_list("patient_key", flat=True)) == {""}
    assert {note["code"] for note in report["notes"]} >= {"patient"}


def test_a_packed_tar_is_opened() -> None:
    report = brought(ODD / "k22_images.tar.gz")

    assert report["imported"] > 0
    assert report["refused"] == []


def test_an_empty_zip_says_so() -> None:
    report = brought(ODD / "k22_empty.zip")

    assert report["refused"] == [{"file": "k22_empty.zip", "reason": "The zip holds no files."}]


def test_what_comes_after_an_odd_text_goes_in(tmp_path: Path) -> None:
    for name in ("k25_nul_in_manufacturer.dcm", "k26_dx_for_processing.dcm"):
        (tmp_path / name).symlink_to(ODD / name)

    assert brought(tmp_path)["imported"] == 2
