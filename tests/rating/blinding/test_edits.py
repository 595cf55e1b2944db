"""A generated image that starts from a real one: never shown beside it, and no copy in secret."""

from __future__ import annotations

import pytest

from pool.canonical.pixels import Pixels, pixel_sha256
from pool.models import Dataset, Image, Origin
from tests.rating.blinding.planting import told
from tests.rating.blinding.pools import arms, audited, filled, image, nearly, study_of

pytestmark = pytest.mark.django_db


def stored(dataset: Dataset, pixels: Pixels) -> Image:
    return dataset.images.get(pixel_sha256=pixel_sha256(pixels))


def start_from(edit: Image, source: Image) -> None:
    edit.provenance = {"engine": "diffusion", "trained_on": "elsewhere", "edit_of": str(source.pk)}
    edit.save(update_fields=["provenance"])


def test_an_edit_is_red_beside_its_source_however_little_alike_and_no_copy_where_that_is_not_shown() -> None:
    reals, fakes = arms()
    training = [image(1000 + number) for number in range(40)]
    fakes[0] = nearly(training[17])
    learned, real, fake = (
        filled(Origin.REAL, training),
        filled(Origin.REAL, reals),
        filled(Origin.SYNTHETIC, fakes),
    )
    fake.images.update(provenance={"engine": "diffusion", "trained_on": "elsewhere"})
    start_from(stored(fake, fakes[0]), stored(learned, training[17]))
    source, edit = stored(real, reals[5]), stored(fake, fakes[1])
    start_from(edit, source)
    study = study_of(real, fake)

    audit = audited(study)

    assert told(audit, "an edit beside its source", "Duplicates in the study") == "red"
    assert told(audit, "an edit that is declared", "Copies of training images") == "green"
    codes = dict(study.images.values_list("image", "code"))
    finding = next(f for f in audit.findings if f["check"] == "Duplicates in the study")
    assert finding["codes"] == [[codes[edit.pk], codes[source.pk]]]
    assert finding["leave_out"] == [codes[edit.pk]]
