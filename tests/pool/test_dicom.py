"""DICOM files: what is shown, what is kept, what is held."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage

from pool.canonical.pixels import RefusedImageError
from pool.imports.dicom import decode, is_dicom
from pool.imports.dicom.terms import TERMS
from tests.pool.files import dicom_file

# What the manifest says, in our words: the sentence each file that stays outside is refused with.
REFUSED = {
    "ct_multiframe_2f_12bit_jpeg.dcm": "more than one frame",
    "mf_10frames_mr.dcm": "more than one frame",
    "sr_no_pixel_data.dcm": "holds no image",
    "rtplan_truncated.dcm": "holds no image",
    "badVR.dcm": "RTDOSE is not taken",
    "MR_truncated.dcm": "damaged or cut short",
    "mf_truncated_j2k.dcm": "Not a readable DICOM",
    "no_meta.dcm": "Not a readable DICOM",
}
HELD = {
    "burned_in_yes.dcm": "text is burned into the image",
    "us_phi_citizen_jan.dcm": "a name burned in",
    "sc_rgb_jpeg.dcm": "Colour secondary captures",
}
SECRETS = ("PatientName", "PatientID", "PatientBirthDate", "InstitutionName", "StudyDate", "StationName")


def ramp() -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    return np.linspace(-1000, 1000, 32 * 32).reshape(32, 32).astype(np.int16)


def test_every_file_of_the_manifest_is_decoded_or_refused_as_expected(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    for row in rows:
        data = (folder / row["file"]).read_bytes()
        if row["file"] in REFUSED:
            with pytest.raises(RefusedImageError, match=REFUSED[row["file"]]):
                decode(data)
            continue
        decoded = decode(data)
        assert HELD.get(row["file"], "") in decoded.hold_reason, row["file"]
        assert bool(decoded.hold_reason) == (row["file"] in HELD), row["file"]
        grey_shape = (row["shape"] or "512x512").removesuffix("x3")
        assert "x".join(map(str, decoded.pixels.shape)) == grey_shape, row["file"]
        assert decoded.pixels.dtype == (np.uint16 if int(row["bits_stored"]) > 8 else np.uint8), row["file"]
        assert not set(SECRETS) & set(decoded.tags), row["file"]

    assert len(rows) == 31
    # Of those that pydicom alone cannot decode, only the retired compression is.
    undecoded = {row["file"] for row in rows if row["pydicom3_result"] != "decodes"}
    assert undecoded - set(REFUSED) == {"chest_ct_retired_jpeg_UNSUPPORTED.dcm"}


def test_lossless_compressions_of_one_slice_give_the_same_pixels(shared_data: Path) -> None:
    names = ["explicit_le", "big_endian", "deflated", "j2k_lossless", "jpeg_lossless_sv1", "jpegls", "rle"]
    slices = [decode((shared_data / "dicom" / f"chest_ct_{name}.dcm").read_bytes()).pixels for name in names]

    assert all(np.array_equal(slices[0], other) for other in slices)


def test_published_monochrome1_is_the_negative_of_its_twin(shared_data: Path) -> None:
    positive = decode((shared_data / "dicom" / "chest_cr_monochrome2_jpeg.dcm").read_bytes()).pixels
    negative = decode((shared_data / "dicom" / "chest_cr_monochrome1_jpeg.dcm").read_bytes()).pixels

    assert np.array_equal(negative, 255 - positive)


@pytest.mark.parametrize("window", [{}, {"WindowCenter": 0, "WindowWidth": 400}])
def test_monochrome1_is_shown_inverted(window: dict[str, int]) -> None:
    positive, negative = (
        decode(dicom_file(ramp(), PhotometricInterpretation=kind, **window)).pixels
        for kind in ("MONOCHROME2", "MONOCHROME1")
    )

    assert np.array_equal(negative, 65535 - positive)
    assert negative[0, 0] > negative[-1, -1]


@pytest.mark.parametrize(
    ("function", "share"),
    [
        # DICOM PS3.3 C.11.2.1.2.1: (x - (c - 0.5)) / (w - 1) + 0.5, here (60 - 39.5) / 79 + 0.5
        ("LINEAR", 0.7594936708860759),
        # C.11.2.1.3.2: (x - c) / w + 0.5, here (60 - 40) / 80 + 0.5
        ("LINEAR_EXACT", 0.75),
        # C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)), here 1 / (1 + exp(-1))
        ("SIGMOID", 0.7310585786300049),
        # Without a function a window is LINEAR.
        (None, 0.7594936708860759),
    ],
)
def test_a_pixel_through_a_window_is_as_worked_out_by_hand(function: str | None, share: float) -> None:
    values = ramp()
    values[5, 7] = 60

    shown = decode(dicom_file(values, WindowCenter=40, WindowWidth=80, VOILUTFunction=function)).pixels

    assert int(shown[5, 7]) == round(65535 * share)


def test_window_of_the_file_is_applied_to_rescaled_values() -> None:
    stored = ramp() + np.int16(1024)

    shown = decode(dicom_file(stored, RescaleIntercept=-1024, WindowCenter=0, WindowWidth=400)).pixels

    hounsfield = ramp()
    assert (shown[hounsfield <= -201] == 0).all()
    assert (shown[hounsfield >= 200] == 65535).all()
    assert abs(int(shown[np.abs(hounsfield) <= 1].mean()) - 32767) < 300


@pytest.mark.parametrize(
    ("function", "at_centre"), [("LINEAR", 0.5), ("LINEAR_EXACT", 0.5), ("SIGMOID", 0.5)]
)
def test_each_voi_function_shows_the_centre_half_bright(function: str, at_centre: float) -> None:
    shown = decode(dicom_file(ramp(), WindowCenter=0, WindowWidth=400, VOILUTFunction=function)).pixels

    assert shown[np.abs(ramp()) <= 1].mean() / 65535 == pytest.approx(at_centre, abs=0.003)


def test_first_of_several_windows_is_used() -> None:
    one = decode(dicom_file(ramp(), WindowCenter=40, WindowWidth=350)).pixels
    several = decode(dicom_file(ramp(), WindowCenter=[40, 450], WindowWidth=[350, 1500])).pixels

    assert np.array_equal(one, several)


def test_ct_without_a_window_gets_the_lung_window() -> None:
    decoded = decode(dicom_file(ramp()))

    assert decoded.tags["Window"] == "-600/1500 (lung)"
    assert (decoded.pixels[ramp() >= 150] == 65535).all()


def test_ct_slice_without_a_modality_is_known_by_its_class(shared_data: Path) -> None:
    decoded = decode((shared_data / "dicom" / "lungmask_chest_ct_slice0.dcm").read_bytes())

    assert decoded.tags["Window"].endswith("(lung)")


def test_names_dates_and_places_do_not_come_along() -> None:
    decoded = decode(dicom_file(ramp(), Manufacturer="SIEMENS Healthineers", ViewPosition="PA"))

    assert decoded.patient_id == "4711"
    assert decoded.tags["Manufacturer"] == "Siemens"
    assert decoded.tags["ViewPosition"] == "PA"
    assert not [
        text for text in decoded.tags.values() if text in {"4711", "Mister^CT", "20200101", "A Hospital"}
    ]


FREE_TEXT = "Quux Jane Zyxw 7"
# Each element of which something is kept or quoted, and which takes words.
WORDED = [
    *(
        keyword
        for keyword in TERMS
        if dictionary_VR(keyword) in {"CS", "LO", "SH"} and keyword != "PhotometricInterpretation"
    ),
    "ManufacturerModelName",
    "WindowCenterWidthExplanation",
    "PhotometricInterpretation",
    "PresentationLUTShape",
    "VOILUTFunction",
    "RescaleType",
    "BurnedInAnnotation",
    "ImageType",
]


@pytest.mark.parametrize("keyword", WORDED)
@pytest.mark.parametrize("modality", ["CT", ""])
@pytest.mark.filterwarnings("ignore")
def test_free_text_in_a_kept_element_is_neither_kept_nor_quoted(keyword: str, modality: str) -> None:
    elements = {"WindowCenter": 0, "WindowWidth": 400, "Modality": "CT", keyword: FREE_TEXT}

    try:
        image = decode(dicom_file(ramp(), **elements), modality=modality and "ct")
        words = [*image.tags.values(), *(note.text for note in image.notes)]
    except RefusedImageError as error:
        words = [str(error)]

    assert words
    assert not [word for word in words if "quux" in word.lower() or "zyxw" in word.lower()]


@pytest.mark.parametrize(
    ("keyword", "value", "term"),
    [
        ("Manufacturer", "GE MEDICAL SYSTEMS", "GE"),
        ("Manufacturer", "GEorge's hospital", None),
        ("BodyPartExamined", "WHOLE BODY", "WHOLEBODY"),
        ("ConvolutionKernel", "B30s", "B30s"),
        ("ConvolutionKernel", "STANDARD for Doe", None),
        ("PixelSpacing", [0.25, 0.25], "[0.25, 0.25]"),
        ("KVP", 120, "120"),
    ],
)
def test_terms_and_numbers_are_kept(keyword: str, value: object, term: str | None) -> None:
    assert decode(dicom_file(ramp(), **{keyword: value})).tags.get(keyword) == term


def test_pixels_are_not_trusted_to_be_as_many_as_the_header_says() -> None:
    with pytest.raises(RefusedImageError, match="million pixels"):
        decode(dicom_file(ramp(), Rows=30_000, Columns=30_000))


def test_pixels_beyond_the_bits_of_a_radiograph_keep_their_range() -> None:
    film = np.arange(32 * 32, dtype=np.int16).reshape(32, 32)
    tags = {"SOPClassUID": ComputedRadiographyImageStorage, "Modality": "CR", "PixelRepresentation": 0}

    shown = decode(dicom_file(film, BitsStored=12, HighBit=11, **tags)).pixels

    assert (shown.min(), shown.max()) == (0, 65535)
    assert len(np.unique(shown)) == 1024


def test_dicom_is_known_by_its_mark_or_its_name() -> None:
    assert is_dicom(dicom_file(ramp()))
    assert is_dicom(b"", "a.DCM")
    assert not is_dicom(b"\x89PNG", "a.png")


def test_an_empty_header_is_refused() -> None:
    assert not Dataset()
    with pytest.raises(RefusedImageError, match="Not a readable DICOM"):
        decode(b"")
