"""What the blinding audit says of an arena: generators are its arms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pool.canonical.pixels import encode_png
from rating.blinding.checks import Examined
from rating.blinding.containers import container_of
from rating.blinding.findings import Finding
from rating.blinding.sets.generators import check_generators, smallest_sizes

EACH = 20


def images(generators: str = "AB") -> list[Examined]:
    """As many of each generator, all alike but for luck."""
    luck = np.random.default_rng(11)
    container = container_of(encode_png(np.zeros((8, 8), np.uint8)), thorough=True)
    return [
        Examined(
            code=f"I{number:04}",
            synthetic=True,
            counts=True,
            container=container,
            ranks=(float(luck.random()), float(luck.random()), float(luck.random())),
            native=(256, 256, 8),
            modality="xray",
            finding="normal" if luck.random() < 0.5 else "covid",
            grey=luck.normal(size=24),
            sharpness=luck.normal(size=17),
            letters=0,
            generator=generators[number % len(generators)],
        )
        for number in range(EACH * len(generators))
    ]


def findings(examined: list[Examined], **how: bool) -> dict[str, Finding]:
    options = {"made_alike": False, "matched": False, **how}
    return {each.check: each for each in check_generators(examined, seed=1, side=512, **options)}


def test_generators_that_differ_by_luck_alone_raise_no_alarm():
    audit = findings(images())

    colours = {check: str(each.verdict) for check, each in audit.items() if check != "Places in the image"}
    assert set(colours.values()) == {"green"}, colours
    assert smallest_sizes(images()) == (EACH, EACH)


def leaky(image: Examined) -> Examined:
    """Generator A by its numbers, brightness, size, finding and letters."""
    own = image.generator == "A"
    assert image.grey is not None
    return replace(
        image,
        ranks=(float(own), 0.0, 0.0),
        grey=image.grey + 4 * own,
        native=(128 if own else 256, 256, 8),
        finding="covid" if own else "normal",
        letters=3 * own,
    )


def test_what_tells_a_generator_is_named_and_only_what_no_image_shows_stops_the_study():
    audit = findings([leaky(image) for image in images()])

    colours = {check: str(each.verdict) for check, each in audit.items()}
    assert colours["Container, numbers and order"] == "red"
    for check in ("Brightness and contrast", "Native sizes", "Kinds of images", "Letters burned in"):
        assert colours[check] == "amber"
    for check in (
        "Container, numbers and order",
        "Brightness and contrast",
        "Native sizes",
        "Letters burned in",
    ):
        assert "“A”" in audit[check].reason
    assert colours["Sharpness and compression"] == "green"


def test_too_few_images_of_a_generator_are_unknown_and_one_finding_a_pair_cannot_tell():
    few = [image for image in images() if image.generator != "B" or int(image.code[1:]) < 15]

    audit = findings(few, matched=True)

    assert str(audit["Container, numbers and order"].verdict) == "unknown"
    assert audit["Kinds of images"].by_construction
