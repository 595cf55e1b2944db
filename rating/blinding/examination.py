"""The one module of the audit that asks the database and the storage: a study looked through, image by image."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from statistics import fmean
from typing import Any

import numpy as np
from django.db.models import Avg

from pool.canonical.near_copies import are_near_copies, candidate_pairs, fine_structure
from pool.canonical.pixels import decode_png
from pool.models import Image, Origin
from pool.storage.stored_files import LostFileError, stored_bytes
from rating.blinding import checks
from rating.blinding.cells import cells
from rating.blinding.checks import Examined
from rating.blinding.confounds import check_kinds
from rating.blinding.containers import container_of
from rating.blinding.findings import Finding
from rating.blinding.intensity import grey_features, sharpness_features
from rating.blinding.letter_check import check_letters
from rating.blinding.letters import letters_in
from rating.blinding.place_check import check_cells, check_shading
from rating.blinding.places import SetInOrder, check_places
from rating.studies.images import StudyImage
from rating.studies.sets import origins_of_sets, truth_of_set
from rating.studies.sittings.orders import OrderLine, Orders
from rating.studies.sittings.presentation import Presentation
from rating.studies.strata import Role
from rating.studies.study import Study

SAMPLE = 400  # of each arm, for what needs every pixel
FIRST_RATERS = 8  # whose orders are looked at where nobody has one yet
MOST_CONFIRMED = 20_000
DEVICE = ("Manufacturer", "ManufacturerModelName")
LEARNS_NOTHING = {"phantom"}  # engines without a training set

Beat = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Hashed:
    """An image of the pool as the search for copies sees it."""

    name: str  # its code, or the dataset it stands in
    synthetic: bool
    digits: str
    path: str


def examine(study: Study, beat: Beat) -> list[Finding]:
    """Every check of the blinding audit on a frozen study. `beat` hears of each image read."""
    planned = _planned_orders(study)
    images = list(_examined(study, planned, beat))
    beat(len(images), "Comparing the arms")
    seed = study.seed
    arms = [image for image in images if image.counts]
    made_alike = study.common_size != Study.CommonSize.OWN
    findings = [
        checks.check_headers(images, side=study.canvas, bits=study.bits),
        checks.check_container(arms, seed=seed),
        checks.check_grey_levels(arms, seed=seed),
        checks.check_sharpness(arms, seed=seed, made_alike=made_alike),
        check_cells(arms, seed=seed),
        check_shading(arms, seed=seed),
        checks.check_native_sizes(arms, side=study.canvas, made_alike=made_alike),
        check_kinds(arms),
    ]
    beat(len(images), "Looking for copies")
    hashed = list(_hashed_of(study))
    findings.append(checks.check_near_copies(_near_copies(hashed)))
    beat(len(images), "Looking for copies of training images")
    findings.append(_training_copies(study, hashed))
    if study.shows_sets:
        findings.append(check_places(list(_orders_of_sets(study, planned)), size=study.set_size))
    findings.append(checks.check_patients(images))
    findings.append(check_letters(arms, policy=study.burned_in))
    return findings


def _planned_orders(study: Study) -> list[list[OrderLine]]:
    """Where nobody is invited yet: what the first raters will be shown; else the stored orders are looked at."""
    if Presentation.objects.filter(study_image__study=study).exists():
        return []
    return list(Orders(study).of_first_raters(FIRST_RATERS))


def _mean_places(study: Study, planned: list[list[OrderLine]]) -> dict[Any, float]:
    """By the key of an image shown, or of the one its set goes by: where it stands in the orders, on average."""
    if not planned:
        stored = Presentation.objects.filter(study_image__study=study).values_list("study_image")
        return dict(stored.annotate(place=Avg("position")).order_by())
    places: dict[Any, list[int]] = defaultdict(list)
    for order in planned:
        for place, line in enumerate(order, start=1):
            places[line.item.pk].append(place)
    return {pk: fmean(positions) for pk, positions in places.items()}


def _examined(study: Study, planned: list[list[OrderLine]], beat: Beat) -> Iterable[Examined]:
    rows = study.images.select_related("image").order_by("pk")
    places = _mean_places(study, planned)
    if study.shows_sets:  # a set goes by one image, and the others stand where it stands
        members = study.images.exclude(beside=None).values_list("pk", "beside")
        places |= {pk: places[head] for pk, head in members if head in places}
    sample = _sample(study)
    for number, row in enumerate(rows.iterator(chunk_size=500), start=1):
        yield _examine(row, place=float(places.get(row.pk, 0)), in_sample=row.pk in sample)
        beat(number, f"Read {number} images")


def _examine(row: StudyImage, *, place: float, in_sample: bool) -> Examined:
    png = stored_bytes(row.derivative, f"image {row.code}")
    image = row.image
    pixels = decode_png(png) if in_sample else None
    return Examined(
        code=row.code,
        synthetic=image.origin == Origin.SYNTHETIC,
        counts=row.role == Role.MAIN,
        container=container_of(png, thorough=in_sample),
        ranks=(float(row.pk), float(int(row.code[1:])), place),
        native=(image.width, image.height, image.bits),
        modality=image.modality,
        finding=image.label,
        view=image.provenance.get("view") or image.provenance.get("ViewPosition", ""),
        site=image.provenance.get("site", ""),
        device=" ".join(filter(None, (image.provenance.get(tag) for tag in DEVICE))),
        patient=image.patient_key,
        intact=hashlib.sha256(png).hexdigest() == row.derivative_sha256,
        grey=None if pixels is None else grey_features(pixels),
        sharpness=None if pixels is None else sharpness_features(pixels),
        letters=None if pixels is None else letters_in(pixels),
        cells=None if pixels is None else cells(pixels),
    )


def _orders_of_sets(study: Study, planned: list[list[OrderLine]]) -> Iterable[list[SetInOrder]]:
    """Each sitting's sets in order, with the place of the image looked for."""
    sought = {pk: truth_of_set(study, origins) for pk, origins in origins_of_sets(study).items()}
    for lines in planned:
        yield [SetInOrder(line.places.index(sought[line.item.pk]), line.kind) for line in lines]
    rows = (
        Presentation.objects.filter(study_image__study=study)
        .order_by("sitting", "position")
        .values_list("sitting", "study_image", "places", "kind")
    )
    for _, order in groupby(rows.iterator(chunk_size=2000), key=itemgetter(0)):
        yield [SetInOrder(places.index(sought[head]), kind) for _sitting, head, places, kind in order]


def _sample(study: Study) -> set[Any]:
    """Up to SAMPLE images of each arm, and of practice and probes, drawn by the study's seed."""
    generator = np.random.default_rng(study.seed)
    keys_drawn: set[Any] = set()
    images = study.images.order_by("code")
    counting = [images.filter(image__origin=origin, role=Role.MAIN) for origin in Origin.values]
    for images_of_arm in (*counting, images.exclude(role=Role.MAIN)):
        keys = list(images_of_arm.values_list("pk", flat=True))
        keys_drawn.update(keys[place] for place in generator.permutation(len(keys))[:SAMPLE])
    return keys_drawn


def _hashed_of(study: Study) -> Iterable[Hashed]:
    rows = study.images.exclude(image__perceptual_hash="").order_by("code")
    for code, origin, digits, path in rows.values_list(
        "code", "image__origin", "image__perceptual_hash", "image__file"
    ):
        yield Hashed(code, origin == Origin.SYNTHETIC, digits, path)


def _near_copies(images: list[Hashed]) -> list[tuple[str, str, bool, bool]]:
    pairs = candidate_pairs([image.digits for image in images])
    return [
        (images[first].name, images[second].name, images[first].synthetic, images[second].synthetic)
        for first, second in pairs[:MOST_CONFIRMED]
        if _confirmed(images[first], images[second])
    ]


def _training_copies(study: Study, images: list[Hashed]) -> Finding:
    """Fakes against every other real image of the pool of like modality: the training sets are among them."""
    fakes = [image for image in images if image.synthetic]
    modalities = study.images.values_list("image__modality", flat=True).distinct().order_by()
    reals = [
        Hashed(dataset, False, digits, path)
        for dataset, digits, path in Image.objects.filter(origin=Origin.REAL, modality__in=list(modalities))
        .exclude(pk__in=study.images.values("image"))
        .exclude(perceptual_hash="")
        .order_by("pk")
        .values_list("dataset__name", "perceptual_hash", "file")
    ]
    pairs = candidate_pairs([p.digits for p in fakes], [p.digits for p in reals]) if reals else []
    copies: dict[str, str] = {}
    for fake, other in pairs[:MOST_CONFIRMED]:
        name = fakes[fake].name
        if name not in copies and _confirmed(fakes[fake], reals[other]):
            copies[name] = reals[other].name
    return checks.check_training_copies(
        sorted(copies.items()),
        unknown=_of_unknown_training(study),
        generated=len(fakes),
        compared=len(reals),
    )


def _of_unknown_training(study: Study) -> int:
    """How many generated images do not say what their model was trained on."""
    provenances = study.images.filter(image__origin=Origin.SYNTHETIC).values_list(
        "image__provenance", flat=True
    )
    return sum(
        not provenance.get("trained_on") and provenance.get("engine") not in LEARNS_NOTHING
        for provenance in provenances.iterator(chunk_size=2000)
    )


def _confirmed(first: Hashed, second: Hashed) -> bool:
    return are_near_copies(_structure(first.path), _structure(second.path))


@lru_cache(maxsize=4096)
def _structure(path: str) -> Any:
    from django.core.files.storage import default_storage

    try:
        with default_storage.open(path, "rb") as file:
            return fine_structure(decode_png(file.read()))
    except FileNotFoundError as error:
        raise LostFileError("an image that was looked at for near-copies") from error
