"""The audit catches every planted leak, and stays green where both arms are cut from the same images.

Leaks of the container are planted by a faulty pipeline, so that the images are what was frozen; the
verdicts are printed as a table at the end.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import PngImagePlugin

from accounts.models import User
from pool.canonical.pixels import GreyWindow, Pixels, blinded_derivative, decode_png, encode_png, pixel_sha256
from pool.imports.raster import decode
from pool.models import Image, Origin
from rating.blinding import derivative
from rating.models import BlindingAudit, Enrolment, Study, StudyImage
from rating.studies.sittings import ordering
from rating.studies.sittings.ordering import Showing
from tests.rating.blinding.planting import others, told
from tests.rating.blinding.pools import (
    CANVAS,
    arms,
    audited,
    filled,
    image,
    lettered,
    nearly,
    study_of,
    turned,
)

pytestmark = pytest.mark.django_db


Fault = Callable[[bytes], bytes]


@pytest.fixture
def with_fault(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], BlindingAudit]:
    """The audit of a study whose pipeline treats the generated images otherwise."""

    def build(fault: Fault) -> BlindingAudit:
        real, fake = arms()
        study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake))
        fakes = {pixels.tobytes() for pixels in fake}

        def faulty(pixels: Pixels, *, side: int, bits: int, window: GreyWindow | None) -> bytes:
            png = blinded_derivative(pixels, side=side, bits=bits, window=window)
            return fault(png) if pixels.tobytes() in fakes else png

        monkeypatch.setattr(derivative, "blinded_derivative", faulty)
        return audited(study)

    return build


def saved(
    png: bytes, change: Callable[[PillowImage.Image], PillowImage.Image] = lambda p: p, **how: object
) -> bytes:
    out = io.BytesIO()
    with PillowImage.open(io.BytesIO(png)) as before:
        change(before).save(out, format="PNG", **how)
    return out.getvalue()


def brighter(png: bytes) -> bytes:
    return encode_png(np.clip(decode_png(png).astype(int) + 20, 0, 255).astype(np.uint8))


def with_text(png: bytes) -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("prompt", "chest x-ray, realistic")
    return saved(png, pnginfo=words)


def with_exif(png: bytes) -> bytes:
    exif = PillowImage.Exif()
    exif[0x0131] = "DALL-E"
    return saved(png, exif=exif)


CONTAINER_LEAKS: dict[str, Fault] = {
    "another size": lambda png: saved(png, lambda p: p.resize((CANVAS - 8, CANVAS - 8))),
    "another encoder": lambda png: saved(png, compress_level=1),
    "another bit depth": lambda png: encode_png(decode_png(png).astype(np.uint16) * 257),
    "colour instead of grey": lambda png: saved(png, lambda p: p.convert("RGB")),
    "EXIF": with_exif,
    "a prompt in a text chunk": with_text,
    "bytes behind the end": lambda png: png + b"fake",
}


@pytest.mark.parametrize("leak", CONTAINER_LEAKS)
def test_a_container_that_tells_is_red(leak: str, with_fault: Callable[[Fault], BlindingAudit]) -> None:
    audit = with_fault(CONTAINER_LEAKS[leak])

    assert told(audit, leak, "Headers and metadata") == "red"
    assert told(audit, leak, "Container, numbers and order") == "red"
    assert audit.reasons_not_to_open()


def test_a_brightness_shift_is_red(with_fault: Callable[[Fault], BlindingAudit]) -> None:
    audit = with_fault(brighter)

    assert told(audit, "brightness shift", "Brightness and contrast") == "red"
    # An image brighter everywhere is brighter at each place too.
    everywhere = ("Places in the image", "Shading and background")
    assert others(audit, "Brightness and contrast", "Sharpness and compression", *everywhere) == {"green"}


def test_a_brightness_shift_in_the_sources_is_undone_by_the_one_path() -> None:
    real, fake = arms()
    dark = [(pixels * 0.6).astype(np.uint8) for pixels in fake]

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, dark)))

    assert told(audit, "brightness shift in the sources", "Headers and metadata") == "green"
    mean = next(f for f in audit.findings if f["check"] == "Brightness and contrast")
    assert mean["verdict"] == "green" or "brightness" not in mean["reason"].rpartition("most by")[2]


def test_black_margins_of_one_arm_are_red(with_fault: Callable[[Fault], BlindingAudit]) -> None:
    def letterboxed(png: bytes) -> bytes:
        pixels = decode_png(png)
        pixels[:6] = pixels[-6:] = 0
        return encode_png(pixels)

    assert told(with_fault(letterboxed), "black bars", "Brightness and contrast") == "red"


def test_a_past_as_jpeg_of_one_arm_is_red() -> None:
    def jpeg(pixels: Pixels) -> Pixels:
        out = io.BytesIO()
        PillowImage.fromarray(pixels).save(out, format="JPEG", quality=30)
        return decode(out.getvalue())

    real, fake = arms()

    audit = audited(study_of(filled(Origin.REAL, map(jpeg, real)), filled(Origin.SYNTHETIC, fake)))

    assert told(audit, "real images were JPEGs", "Sharpness and compression") == "red"


def test_arms_enlarged_by_different_factors_are_red_and_the_remedy_says_so() -> None:
    real, fake = arms()
    small = [
        np.asarray(PillowImage.fromarray(p).resize((64, 64), PillowImage.Resampling.BICUBIC)) for p in fake
    ]

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, small)))

    assert told(audit, "fakes enlarged, reals shrunk", "Sharpness and compression") == "red"
    assert told(audit, "fakes enlarged, reals shrunk", "Native sizes") == "amber"
    sharpness = next(f for f in audit.findings if f["check"] == "Sharpness and compression")
    assert (
        "freeze again with all images brought to the size of the smallest (64 pixels)" in sharpness["remedy"]
    )


def chosen(study: Study, images: list[Image]) -> None:
    """The study's images as a faulty choice would leave them."""
    StudyImage.objects.bulk_create(
        StudyImage(study=study, image=image, code=f"I{number:04}") for number, image in enumerate(images, 1)
    )


def test_sorted_ids_are_red() -> None:
    real, fake = (filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True))
    study = study_of(real, fake)
    chosen(study, [*real.images.all(), *fake.images.all()])

    audit = audited(study)

    assert told(audit, "sorted ids", "Container, numbers and order") == "red"
    assert others(audit, "Container, numbers and order") == {"green"}


def test_real_images_first_in_the_orders_is_red(rater: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def real_first(classes: list[str], _seed: int, **_rules: object) -> list[Showing]:
        return [Showing(item) for item in sorted(range(len(classes)), key=classes.__getitem__)]

    monkeypatch.setattr(ordering, "make_order", real_first)
    study = study_of(*(filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True)))
    Enrolment.enrol(study, rater)

    assert told(audited(study), "real images first", "Container, numbers and order") == "red"


def test_a_near_copy_in_the_other_arm_is_red() -> None:
    real, fake = arms()
    fake[3] = nearly(real[5])

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)))

    assert told(audit, "a duplicate in the other arm", "Duplicates in the study") == "red"
    found = next(f for f in audit.findings if f["check"] == "Duplicates in the study")
    assert found["detail"]["across"] == 1
    assert len(found["codes"][0]) == 2


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "mirrored": lambda pixels: pixels[:, ::-1],
    "turned by 7 degrees": lambda pixels: turned(pixels, 7),
    "inverted": lambda pixels: 255 - pixels,
    "shifted by 4 %": lambda pixels: np.roll(pixels, (6, -6), axis=(0, 1)),
    "cropped by 6 % at each side": lambda pixels: resized(pixels[10:-10, 10:-10], 160),
    "enlarged by a tenth": lambda pixels: resized(pixels, 176)[8:-8, 8:-8],
    "shrunk to 64 pixels": lambda pixels: resized(resized(pixels, 64), 160),
    "brighter, of more contrast": lambda pixels: np.clip(pixels * 1.2 + 10.0, 0, 255),
}


def resized(pixels: Pixels, side: int) -> Pixels:
    return np.asarray(PillowImage.fromarray(pixels).resize((side, side), PillowImage.Resampling.LANCZOS))


def test_a_copy_in_the_other_arm_is_red_however_it_was_altered() -> None:
    real, fake = arms()
    for place, altered in enumerate(COPIES.values()):
        fake[place] = np.ascontiguousarray(altered(real[place])).astype(np.uint8)
    study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake))

    audit = audited(study)

    codes = dict(study.images.values_list("image__pixel_sha256", "code"))
    duplicates = next(f for f in audit.findings if f["check"] == "Duplicates in the study")
    pairs = {frozenset(pair) for pair in duplicates["codes"]}
    for place, change in enumerate(COPIES):
        assert frozenset(codes[pixel_sha256(arm[place])] for arm in (real, fake)) in pairs, change
        assert told(audit, f"a duplicate, {change}", "Duplicates in the study") == "red"


def test_a_near_copy_in_the_same_arm_is_amber() -> None:
    real, fake = arms()
    fake[3] = nearly(fake[5])

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)))

    assert told(audit, "a duplicate in the same arm", "Duplicates in the study") == "amber"


def test_a_training_image_among_the_fakes_is_red() -> None:
    real, fake = arms()
    training = [image(1000 + n) for n in range(40)]
    fake[0] = nearly(training[17])
    learnt = filled(Origin.REAL, training)

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)))

    assert told(audit, "a training image among the fakes", "Copies of training images") == "red"
    found = next(f for f in audit.findings if f["check"] == "Copies of training images")
    assert learnt.name in found["reason"]
    assert len(found["leave_out"]) == 1


def test_fakes_of_unknown_training_are_unknown() -> None:
    real, fake = arms()
    fakes = filled(Origin.SYNTHETIC, fake)
    fakes.images.update(provenance={"engine": "openai"})

    audit = audited(study_of(filled(Origin.REAL, real), fakes))

    assert told(audit, "training set not recorded", "Copies of training images") == "unknown"


def test_letters_in_one_arm_are_red_and_masking_both_arms_helps() -> None:
    real, fake = arms()
    reals, fakes = filled(Origin.REAL, map(lettered, real)), filled(Origin.SYNTHETIC, (p // 2 for p in fake))

    report = audited(study_of(reals, fakes, name="Kept"))
    masked = audited(study_of(reals, fakes, name="Masked", burned_in="mask"))

    assert told(report, "letters on one arm", "Letters burned in") == "red"
    assert told(masked, "letters, corners masked", "Letters burned in") == "green"


def test_images_with_letters_are_left_out_where_the_study_says_so() -> None:
    real, fake = arms()
    reals = filled(Origin.REAL, [lettered(p) for p in real[:5]] + [p // 2 for p in real[5:]])
    study = study_of(reals, filled(Origin.SYNTHETIC, (p // 2 for p in fake)), burned_in="leave out")
    study.strata.update(count=20)

    audit = audited(study)

    assert told(audit, "letters, such images left out", "Letters burned in") == "green"


def test_an_image_changed_after_the_freeze_is_red() -> None:
    study = study_of(*(filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True)))
    audited(study)
    one = study.images.get(code="I0001")
    with one.derivative.open("wb") as file:
        file.write(brighter(encode_png(np.zeros((CANVAS, CANVAS), dtype=np.uint8))))
    again = BlindingAudit.objects.create(study=study)

    again.perform()

    assert told(again, "an image changed after the freeze", "Headers and metadata") == "red"


def test_two_pools_cut_from_the_same_images_raise_no_alarm(rater: User, other_rater: User) -> None:
    study = study_of(*(filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True)))
    for person in (rater, other_rater):
        Enrolment.enrol(study, person)

    audit = audited(study)

    assert told(audit, "none: two pools of the same images") == "unknown"  # 24 of each arm are few
    assert others(audit) == {"green"}
    assert audit.reasons_not_to_open() == []


@pytest.mark.parametrize("kind", ["xray/nih_*", "ct/*"])
def test_two_pools_cut_from_the_same_real_images_leak_nothing(shared_data, kind: str) -> None:
    files = sorted(path for path in shared_data.glob(kind) if path.suffix == ".jpg")
    some = [files[n] for n in np.random.default_rng(11).permutation(len(files))[:48]]
    pixels = [decode(path.read_bytes()) for path in some]
    study = study_of(filled(Origin.REAL, pixels[:24]), filled(Origin.SYNTHETIC, pixels[24:]), canvas=256)

    audit = audited(study)

    told(audit, f"none: {kind.split('/', maxsplit=1)[0]} images dealt to two arms")
    # Real images bring letters and neighbouring slices with them: those are theirs, not the pools'.
    assert others(audit, "Letters burned in", "Duplicates in the study") == {"green"}


def test_an_arm_alone_has_nothing_to_be_told_apart_from() -> None:
    _, fake = arms()
    fakes = filled(Origin.SYNTHETIC, fake)
    study = Study.objects.create(name="Only fakes", canvas=CANVAS)
    study.strata.create(dataset=fakes, count=24)

    audit = audited(study)

    assert told(audit, "only generated images") == "green"
    assert "nothing to tell apart" in audit.findings[1]["reason"]


def test_too_few_images_are_said_to_be_too_few() -> None:
    real, fake = arms(each=4)

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)))

    assert told(audit, "four images of each arm", "Brightness and contrast") == "unknown"
    assert not audit.reasons_not_to_open()
