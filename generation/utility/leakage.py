"""What would make the test too easy: patients on both sides, copies, and test images the generator has learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

SHOWN = 12


@dataclass(frozen=True)
class TestSide:
    """What the sentences call the images that are tested on, and what they advise."""

    split: str
    image: str
    images: str
    by_patient: str
    by_generator: str


INTERNAL = TestSide(
    "the test split",
    "a test image",
    "test image",
    "Split the dataset by patient.",
    "Train the generator on the training split alone.",
)
EXTERNAL = TestSide(
    "the external test set",
    "an image of the external test set",
    "external test image",
    "Exclude their images on one of the two sides.",
    "Take an external test set that it has not learned from.",
)


@dataclass(frozen=True)
class LeakCandidate:
    """An image as far as leaks go; `patient` is its key, empty where none is known."""

    key: str
    patient: str
    pixel_sha256: str
    synthetic: bool = False


@dataclass(frozen=True)
class Leak:
    """One kind of leak: what was found, in a sentence, with pairs (training image, test image) to look at."""

    kind: str
    sentence: str
    pairs: tuple[tuple[str, str], ...]
    training_keys: frozenset[str]

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "pairs": [list(pair) for pair in self.pairs[:SHOWN]], "training_keys": []}


def leaks(
    training: Sequence[LeakCandidate],
    test: Sequence[LeakCandidate],
    generator: Sequence[LeakCandidate],
    *,
    copies: Iterable[tuple[str, str]] = (),
    side: TestSide = INTERNAL,
) -> list[Leak]:
    """Every leak between what is trained on (real and synthetic), what is tested on, and what the generator learned from.

    `copies` are pairs (training image, test image) that the search for copies gave.
    """
    kinds = [
        _patients(training, test, side),
        _copies(training, test, copies, side),
        _learned(generator, test, side),
    ]
    return [leak for leak in kinds if leak is not None]


def _patients(
    training: Sequence[LeakCandidate], test: Sequence[LeakCandidate], side: TestSide
) -> Leak | None:
    pairs = _equal(training, test, lambda image: image.patient)
    if not pairs:
        return None
    patients = {image.patient for image in training} & {image.patient for image in test} - {""}
    return _leak(
        "patient",
        f"{_count(len(patients), 'patient')} with images in training and in {side.split}. {side.by_patient}",
        pairs,
    )


def _copies(
    training: Sequence[LeakCandidate],
    test: Sequence[LeakCandidate],
    copies: Iterable[tuple[str, str]],
    side: TestSide,
) -> Leak | None:
    pairs = sorted({*_equal(training, test, lambda image: image.pixel_sha256), *copies})
    if not pairs:
        return None
    synthetic_keys = {image.key for image in training if image.synthetic} & {key for key, _ in pairs}
    of_these = f", {len(synthetic_keys)} of them synthetic" if synthetic_keys else ""
    number = len({key for key, _ in pairs})
    return _leak(
        "copy",
        f"{_count(number, 'training image')} {'is' if number == 1 else 'are'} a copy or nearly a copy of "
        f"{side.image}{of_these}. Exclude them, or ask for the experiment without copies.",
        pairs,
    )


def _learned(
    generator: Sequence[LeakCandidate], test: Sequence[LeakCandidate], side: TestSide
) -> Leak | None:
    pairs = sorted(
        {*_equal(generator, test, lambda i: i.pixel_sha256), *_equal(generator, test, lambda i: i.patient)}
    )
    if not pairs:
        return None
    number = len({key for _, key in pairs})
    return _leak(
        "generator",
        f"{_count(number, side.images)} {'is' if number == 1 else 'are'} of what the generator was trained on, "
        f"or of the same patients. {side.by_generator}",
        pairs,
    )


def _equal(
    training: Sequence[LeakCandidate], test: Sequence[LeakCandidate], value: Callable[[LeakCandidate], str]
) -> list[tuple[str, str]]:
    """One pair (training image, test image) for each training image that shares a value with a test image."""
    tested = {value(image): image.key for image in test if value(image)}
    return [(image.key, tested[value(image)]) for image in training if value(image) in tested]


def _leak(kind: str, sentence: str, pairs: Sequence[tuple[str, str]]) -> Leak:
    return Leak(kind, sentence, tuple(pairs), frozenset(key for key, _ in pairs))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
