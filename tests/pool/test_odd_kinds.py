"""The kinds behind the odd files, each in other files than those of the manifest: what is shown, and what is noted."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from pool.canonical.pixels import Pixels, RefusedImageError
from pool.imports.decoding import Decoded, Hints, is_window
from pool.imports.decoding_child import gate
from pool.imports.placeholders import is_missing, is_placeholder
from tests.pool.files import dicom_file, saved

ROWS, COLUMNS = 48, 40
DX = {
    "Modality": "DX",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1",
    "PixelRepresentation": 0,
    "BitsStored": 12,
    "HighBit": 11,
}
PLAIN = {**DX, "RescaleSlope": None, "RescaleIntercept": None}


def ramp(low: int = 0, high: int = 4095) -> npt.NDArray[np.int16]:
    """A slope from one value to another, even in every row."""
    return np.tile(np.linspace(low, high, COLUMNS), (ROWS, 1)).astype(np.int64).astype("<u2").view("<i2")


def taken(data: bytes, name: str = "a.dcm", **hints: Any) -> Decoded:
    [image] = gate(data, name, Hints(**{"modality": "xray", **hints}))
    return image


def codes(decoded: Decoded) -> set[str]:
    return {note.code for note in decoded.notes}


def is_the_ramp(pixels: Pixels, *, tolerance: float = 0.02) -> bool:
    unit = pixels / np.iinfo(pixels.dtype).max
    return bool(np.abs(unit - np.linspace(0, 1, pixels.shape[1])).max() < tolerance)


def test_a_range_of_padding_is_left_out_of_the_range_and_black() -> None:
    values = ramp(100, 4000)
    values[:, -6:] = 4090

    decoded = taken(dicom_file(values, **PLAIN, PixelPaddingValue=4095, PixelPaddingRangeLimit=4085))

    assert codes(decoded) == {"padding"}
    assert (decoded.pixels[:, -6:] == 0).all()
    assert decoded.pixels[:, -7].min() > 60_000


def test_padding_of_a_negative_image_is_black_too() -> None:
    values = ramp(100, 3000)
    values[:4] = 0

    decoded = taken(dicom_file(values, **PLAIN, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1"))

    assert (decoded.pixels[:4] == 0).all()
    assert decoded.pixels[10, 0] > decoded.pixels[10, -1]


def test_padding_that_is_not_declared_does_not_darken_the_image() -> None:
    values = ramp(0, 1000)
    values[0, 0] = 4095

    decoded = taken(dicom_file(values, **PLAIN))

    assert codes(decoded) == {"padding"}
    assert is_the_ramp(decoded.pixels[1:])


@pytest.mark.parametrize("tags", [{"RescaleSlope": None}, {"RescaleSlope": 0}, {"RescaleSlope": ""}])
def test_a_slope_that_is_missing_empty_or_zero_is_one(tags: dict[str, Any]) -> None:
    data = dicom_file(ramp(0, 2000), **{"RescaleIntercept": -1000, "RescaleSlope": 1, **tags})

    decoded = taken(data, modality="ct")

    assert decoded.tags["Window"] == "-600/1500 (lung)"
    assert ("rescale" in codes(decoded)) == (tags["RescaleSlope"] == 0)


def test_no_window_of_the_lung_is_laid_on_values_of_an_unknown_scale() -> None:
    data = dicom_file(ramp(), **{**PLAIN, "Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"})

    decoded = taken(data, modality="ct")

    assert codes(decoded) == {"rescale"}
    assert decoded.tags["Window"] == "whole range"
    assert is_the_ramp(decoded.pixels)


def test_a_derived_ct_of_eight_bits_keeps_its_greys() -> None:
    tags = {
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "RescaleSlope": None,
        "RescaleIntercept": None,
    }

    decoded = taken(dicom_file(ramp(0, 255), **tags), modality="ct")

    assert decoded.pixels.dtype == np.uint8
    assert is_the_ramp(decoded.pixels)


@pytest.mark.parametrize("window", [(40_000, 400), (-3000, 100), (0, 10**7)])
def test_a_window_outside_the_values_gives_way_to_the_range(window: tuple[int, int]) -> None:
    decoded = taken(dicom_file(ramp(), **PLAIN, WindowCenter=window[0], WindowWidth=window[1]))

    assert codes(decoded) == {"window"}
    assert is_the_ramp(decoded.pixels)


def test_a_person_chooses_the_window() -> None:
    data = dicom_file(ramp(0, 2000), RescaleIntercept=-1000, WindowCenter=40, WindowWidth=400)

    lung, chosen, whole = (
        taken(data, modality="ct", window=choice) for choice in ("lung", "-400/800", "range")
    )

    assert [decoded.tags["Window"] for decoded in (lung, chosen, whole)] == [
        "-600/1500 (lung)",
        "-400/800 (chosen)",
        "whole range",
    ]
    assert is_the_ramp(whole.pixels)


@pytest.mark.parametrize(
    ("choice", "fits"),
    [
        ("", True),
        ("lung", True),
        ("40/400", True),
        ("40/0", False),
        ("bone", True),
        ("wide", False),
        ("nan/5", False),
    ],
)
def test_what_is_a_choice_of_a_window(choice: str, fits: bool) -> None:
    assert is_window(choice) == fits


def table(entries: npt.ArrayLike, *, count: int | None = None, first: int = 0, bits: int = 16) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(np.asarray(entries)) if count is None else count, first, bits]
    item.LUTData = np.asarray(entries, dtype="<u2").tobytes()
    return Sequence([item])


def test_a_whole_table_is_applied_and_a_short_one_is_not() -> None:
    turned = np.linspace(65535, 0, 4096)
    window = {"WindowCenter": 2048, "WindowWidth": 4096}

    whole = taken(dicom_file(ramp(), **PLAIN, **window, VOILUTSequence=table(turned)))
    short = taken(dicom_file(ramp(), **PLAIN, **window, VOILUTSequence=table(turned[:100], count=4096)))
    flat = taken(dicom_file(ramp(), **PLAIN, **window, VOILUTSequence=table(np.zeros(4096))))

    assert is_the_ramp(whole.pixels[:, ::-1])
    assert is_the_ramp(short.pixels)
    assert is_the_ramp(flat.pixels)
    assert [codes(decoded) for decoded in (whole, short, flat)] == [set(), {"table"}, {"table"}]


def test_a_presentation_that_turns_the_image_round_is_followed() -> None:
    decoded = taken(dicom_file(ramp(), **PLAIN, PresentationLUTShape="INVERSE"))

    assert is_the_ramp(decoded.pixels[:, ::-1])
    assert codes(decoded) == {"inverted"}


def test_wider_values_are_taken_whole_and_a_plane_above_is_left_out() -> None:
    wide = dicom_file(ramp(0, 8000), **PLAIN)
    drawn = ramp().copy()
    drawn[10:20, 10:20] |= np.int16(1 << 12)

    wider, overlaid = taken(wide), taken(dicom_file(drawn, **PLAIN))

    assert is_the_ramp(wider.pixels)
    assert is_the_ramp(overlaid.pixels)
    assert codes(wider) == codes(overlaid) == {"bits"}
    assert "wider" in wider.notes[0].text
    assert "overlay" in overlaid.notes[0].text


def test_values_that_lie_high_in_their_words_are_moved_down() -> None:
    decoded = taken(dicom_file((ramp().view("<u2") << 4).view("<i2"), **{**PLAIN, "HighBit": 15}))

    assert is_the_ramp(decoded.pixels)
    assert codes(decoded) == {"bits"}


def compressed(stream: bytes, syntax: str) -> bytes:
    """A radiograph of this compressed stream."""
    dataset = pydicom.dcmread(io.BytesIO(dicom_file(ramp(), **PLAIN)))
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("encode", "syntax"),
    [
        (lambda v: imagecodecs.jpeg2k_encode(v, reversible=True), "1.2.840.10008.1.2.4.90"),
        (imagecodecs.htj2k_encode, "1.2.840.10008.1.2.4.201"),
        (imagecodecs.jpegls_encode, "1.2.840.10008.1.2.4.80"),
        (lambda v: imagecodecs.ljpeg_encode(v, bitspersample=12), "1.2.840.10008.1.2.4.70"),
        (lambda v: imagecodecs.jpeg_encode(v, level=98, bitspersample=12), "1.2.840.10008.1.2.4.51"),
    ],
    ids=["J2K", "HTJ2K", "JPEG-LS", "lossless JPEG", "JPEG of 12 bits"],
)
def test_every_compression_shows_the_same(encode: Any, syntax: str) -> None:
    decoded = taken(compressed(bytes(encode(ramp().view("<u2"))), syntax))

    assert is_the_ramp(decoded.pixels)


def test_a_compression_that_nobody_knows_is_called_that_and_not_damaged() -> None:
    with pytest.raises(RefusedImageError, match=r"compression .* not damaged"):
        taken(compressed(b"1234", "1.2.3.4.5"))


def test_grey_in_three_channels_is_grey_and_colour_is_refused() -> None:
    grey = np.repeat(ramp(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    red = grey.copy()
    red[..., 1:] = 0
    tags = {
        **PLAIN,
        "BitsStored": 8,
        "BitsAllocated": 8,
        "HighBit": 7,
        "SamplesPerPixel": 3,
        "PlanarConfiguration": 0,
    }
    tags |= {"PhotometricInterpretation": "RGB"}

    decoded = taken(dicom_file(ramp(), **tags, PixelData=grey.tobytes()))

    assert is_the_ramp(decoded.pixels)
    assert codes(decoded) == {"colour"}
    with pytest.raises(RefusedImageError, match="in colour"):
        taken(dicom_file(ramp(), **tags, PixelData=red.tobytes()))


@pytest.mark.parametrize(
    ("tags", "shape"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, (96, 40)),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, (48, 80)),
        ({"PixelAspectRatio": [2, 1]}, (96, 40)),
        ({"PixelSpacing": [0.2, 0.2]}, (48, 40)),
        ({"PixelSpacing": [0, 0.2]}, (48, 40)),
    ],
)
def test_pixels_that_are_not_square_become_so(tags: dict[str, Any], shape: tuple[int, int]) -> None:
    decoded = taken(dicom_file(ramp(), **PLAIN, **tags))

    assert decoded.pixels.shape == shape
    assert codes(decoded) == ({"shape"} if shape != (48, 40) else set())


def test_what_a_header_and_a_person_say_differently_is_noted() -> None:
    assert "modality" in codes(taken(dicom_file(ramp(0, 2000), RescaleIntercept=-1000), modality="xray"))
    assert not codes(taken(dicom_file(ramp(0, 2000), RescaleIntercept=-1000), modality="ct"))


def test_an_image_of_one_grey_is_refused_in_every_kind_of_file() -> None:
    even = np.full((32, 32), 7, dtype=np.int16)
    for data, name in (
        (dicom_file(even, **PLAIN), "a.dcm"),
        (saved(Image.fromarray(even.astype(np.uint8))), "a.png"),
        (saved(Image.fromarray(even.astype(np.uint16)), "TIFF"), "a.tif"),
    ):
        with pytest.raises(RefusedImageError, match="one even grey"):
            taken(data, name)


@pytest.mark.parametrize(
    "name",
    [
        "ANONYMOUS",
        "anon^patient",
        "Unknown",
        "0",
        "000",
        "nan",
        "N/A",
        "-",
        "",
        "xxx",
        "Patient",
        "de-identified",
    ],
)
def test_placeholders_name_no_patient(name: str) -> None:
    assert is_placeholder(name) == bool(name)


@pytest.mark.parametrize("name", ["4711", "P1", "00012", "Nguyen", "patient 12", "A0001", "12345"])
def test_patients_are_no_placeholders(name: str) -> None:
    assert not is_placeholder(name)


def test_a_table_may_number_its_patients_from_nought() -> None:
    assert not is_missing("0")
    assert is_missing("unknown")
