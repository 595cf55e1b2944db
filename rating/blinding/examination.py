"""A study looked through, image by image: with `copy_searches` what of the audit asks the database and the storage."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import fmean
from typing import Any

import numpy as np
from django.db.models import Avg, Prefetch

from pool.canonical.pixels import Pixels, decode_png
from pool.canonical.previews import stored_pixels
from pool.copies.structure import SLICES_OF_A_STACK
from pool.models import Image, Origin
from pool.storage.slices import middle_of, spread
from pool.storage.stored_files import stored_bytes
from rating.blinding import checks
from rating.blinding.cells import cells
from rating.blinding.checks import Examined
from rating.blinding.confounds import check_kinds
from rating.blinding.containers import container_of
from rating.blinding.copy_searches import CopySearches
from rating.blinding.findings import Finding
from rating.blinding.intensity import grey_features, sharpness_features
from rating.blinding.letter_check import check_letters
from rating.blinding.letters import letters_in
from rating.blinding.place_check import check_cells, check_shading
from rating.blinding.power import with_power
from rating.blinding.sets.generators import check_generators, smallest_sizes
from rating.blinding.sets.places import SetInOrder, check_places
from rating.blinding.stacks.other_slices import OtherSlices
from rating.blinding.stacks.slice_check import check_other_slices
from rating.blinding.stacks.stack_check import check_stacks, spacing_of
from rating.studies.images import LETTERS, StudyImage, StudySlice
from rating.studies.sampling.generators import competitor, competitors_of_sets
from rating.studies.sampling.sets import origins_of_sets, truth_of_set
from rating.studies.sampling.strata import Role
from rating.studies.sittings.orders import OrderLine, Orders
from rating.studies.sittings.presentation import Presentation
from rating.studies.study import Study

SAMPLE = 400  # of each arm, for what needs every pixel
ENCODED_AGAIN = 100  # of those: a third of an audit's time, and another encoder shows on far fewer
FIRST_RATERS = 8  # whose orders are looked at where nobody has one yet
DEVICE = ("Manufacturer", "ManufacturerModelName")

Beat = Callable[[int, str], None]


def examine(study: Study, beat: Beat) -> list[Finding]:
    """Every check of the blinding audit on a frozen study. `beat` hears of each image read."""
    planned = _planned_orders(study)
    images = list(_examined(study, planned, beat))
    beat(len(images), "Comparing the arms")
    arms = [image for image in images if image.counts]
    made_alike = study.common_size != Study.CommonSize.OWN
    findings = [
        checks.check_headers(images, side=study.canvas, bits=study.bits),
        *_arms_compared(study, arms, made_alike=made_alike),
    ]
    copies = CopySearches.of(study, lambda message: beat(len(images), message))
    findings += [copies.in_study(), copies.of_training()]
    if study.shows_sets:
        sought = "the generator first by name" if study.is_arena else "the image looked for"
        orders = list(_orders_of_sets(study, planned))
        findings.append(check_places(orders, size=study.set_size, sought=sought))
    if study.bits == study.Bits.SIXTEEN and not made_alike and not study.is_arena:
        findings.append(checks.check_native_depths(arms))
    findings.append(checks.check_patients(images, copies.pairs))
    if not study.is_arena:
        findings.append(check_letters(arms, policy=study.burned_in))
    if study.slices > 1:
        beside = [number for number in _slices_looked_at(study) if number != middle_of(study.slices)]
        findings += check_other_slices(arms, numbers=beside, seed=study.seed)
        findings.append(check_stacks(arms, slices=study.slices, looked_at=len(beside) + 1))
    sizes = [sum(image.synthetic == arm for image in arms) for arm in (False, True)]
    if study.is_arena:
        sizes = list(smallest_sizes(arms))
    return [with_power(finding, *(min(SAMPLE, size) for size in sizes)) for finding in findings]


def _arms_compared(study: Study, arms: list[Examined], *, made_alike: bool) -> list[Finding]:
    """What tells real images from generated ones; in an arena, one generator's from all others."""
    seed = study.seed
    if study.is_arena:
        return check_generators(
            arms, seed=seed, side=study.canvas, made_alike=made_alike, matched=study.match_findings
        )
    return [
        checks.check_container(arms, seed=seed),
        checks.check_grey_levels(arms, seed=seed),
        checks.check_sharpness(arms, seed=seed, made_alike=made_alike),
        check_cells(arms, seed=seed),
        check_shading(arms, seed=seed),
        checks.check_native_sizes(arms, side=study.canvas, made_alike=made_alike),
        check_kinds(arms),
    ]


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


def _slices_looked_at(study: Study) -> list[int]:
    """Their numbers; the middle one among them."""
    return spread(study.slices, min(study.slices, SLICES_OF_A_STACK))


def _examined(study: Study, planned: list[list[OrderLine]], beat: Beat) -> Iterable[Examined]:
    slices = StudySlice.objects.filter(number__in=_slices_looked_at(study))
    rows = (
        study.images.select_related("image__dataset")
        .prefetch_related(Prefetch("other_slices", slices))
        .order_by("pk")
    )
    places = _mean_places(study, planned)
    if study.shows_sets:  # a set goes by one image, and the others stand where it stands
        members = study.images.exclude(beside=None).values_list("pk", "beside")
        places |= {pk: places[head] for pk, head in members if head in places}
    sample = _sample(study)
    for number, row in enumerate(rows.iterator(chunk_size=500), start=1):
        place = float(places.get(row.pk, 0))
        bits = _bits(row.image, count=study.bits == study.Bits.SIXTEEN and row.pk in sample)
        yield _examine(
            row, bits, place=place, in_sample=row.pk in sample, encoded_again=sample.get(row.pk, False)
        )
        beat(number, f"Read {number} images")


def _bits(image: Image, *, count: bool) -> int:
    """Those of the source; eight of one in sixteen whose levels are no more than eight bits have, where these are counted."""
    if image.bits <= 8 or not count:
        return image.bits
    levels = np.count_nonzero(np.bincount(stored_pixels(image).ravel()))
    return image.bits if levels > 256 else 8


def _examine(row: StudyImage, bits: int, *, place: float, in_sample: bool, encoded_again: bool) -> Examined:
    png = stored_bytes(row.derivative, f"image {row.code}")
    image = row.image
    pixels = decode_png(png) if in_sample else None
    slices = {each: stored_bytes(each.derivative, str(each)) for each in row.other_slices.all() if in_sample}
    beside = [decode_png(content) for content in slices.values()]
    return Examined(
        code=row.code,
        synthetic=image.origin == Origin.SYNTHETIC,
        counts=row.role == Role.MAIN,
        container=container_of(png, thorough=encoded_again),
        ranks=(float(row.pk), float(int(row.code[1:])), place),
        native=(image.width, image.height, bits),
        modality=image.modality,
        finding=image.label,
        view=image.provenance.get("view") or image.provenance.get("ViewPosition", ""),
        site=image.provenance.get("site", ""),
        sex=image.provenance.get("sex", ""),
        age_band=image.provenance.get("age_band", ""),
        device=" ".join(filter(None, (image.provenance.get(tag) for tag in DEVICE))),
        patient=image.patient_key,
        intact=_is_intact(row, png) and all(_is_intact(each, content) for each, content in slices.items()),
        grey=None if pixels is None else grey_features(pixels),
        sharpness=None if pixels is None else sharpness_features(pixels),
        letters=None if pixels is None else _most_letters([pixels, *beside]),
        cells=None if pixels is None else cells(pixels),
        other_slices=OtherSlices.of(beside),
        slices=image.slices,
        generator=competitor(image.origin, image.provenance, image.dataset.name),
        spacing=spacing_of(image.provenance),
    )


def _is_intact(row: StudyImage | StudySlice, png: bytes) -> bool:
    return hashlib.sha256(png).hexdigest() == row.derivative_sha256


def _most_letters(slices: Sequence[Pixels]) -> int:
    """Of the slice that has the most."""
    return max(letters_in(pixels) for pixels in slices)


def _orders_of_sets(study: Study, planned: list[list[OrderLine]]) -> Iterable[list[SetInOrder]]:
    """Each sitting's sets in order, with the place of the image looked for."""
    if study.is_arena:
        sought = {pk: LETTERS[names.index(min(names))] for pk, names in competitors_of_sets(study).items()}
    else:
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


def _sample(study: Study) -> dict[Any, bool]:
    """Up to SAMPLE images of each arm, and of practice and probes, by the study's seed: whether each is encoded again."""
    generator = np.random.default_rng(study.seed)
    draws: dict[Any, bool] = {}
    images = study.images.order_by("code")
    counting = [images.filter(image__origin=origin, role=Role.MAIN) for origin in Origin.values]
    for images_of_arm in (*counting, images.exclude(role=Role.MAIN)):
        keys = list(images_of_arm.values_list("pk", flat=True))
        for number, place in enumerate(generator.permutation(len(keys))[:SAMPLE]):
            draws[keys[place]] = number < ENCODED_AGAIN
    return draws
