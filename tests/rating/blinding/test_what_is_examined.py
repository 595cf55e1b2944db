"""What the audit looks at: the images that count, and the orders raters will get even before there are raters."""

from __future__ import annotations

import numpy as np
import pytest

from pool.models import Origin
from rating.models import Stratum
from rating.studies.sittings import ordering
from rating.studies.sittings.ordering import Showing
from tests.rating.blinding.pools import arms, audited, filled, image, study_of

pytestmark = pytest.mark.django_db


def finding(audit, check):
    return next(f for f in audit.findings if f["check"] == check)


def test_obvious_cases_for_practice_and_probes_do_not_make_the_audit_red():
    real, fake = arms()
    study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake))
    for role in ("practice", "probe"):
        plain = filled(Origin.SYNTHETIC, [np.full_like(image(900 + n), 10 * n) for n in range(12)])
        Stratum.objects.create(study=study, dataset=plain, role=role, count=12)

    audit = audited(study)

    for check in ("Container, numbers and order", "Brightness and contrast", "Sharpness and compression"):
        assert finding(audit, check)["verdict"] in {"green", "unknown"}


@pytest.mark.parametrize("design", ["single", "pair"])
def test_the_orders_are_looked_at_before_anybody_is_invited(monkeypatch, design):
    def real_first(classes, _seed, **_rules):
        return [Showing(item) for item in sorted(range(len(classes)), key=classes.__getitem__)]

    monkeypatch.setattr(ordering, "make_order", real_first)
    pools = [filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True)]

    audit = audited(study_of(*pools, design=design, primary_endpoint="accuracy"))

    check = "Container, numbers and order" if design == "single" else "Places in the sets"
    assert finding(audit, check)["verdict"] == "red"


def in_sixteen_bits(pixels):
    fine = np.random.default_rng(1).integers(0, 256, np.shape(pixels[0]), dtype=np.uint16)
    return [(each.astype(np.uint16) << 8) + fine for each in pixels]


def saved_in_sixteen_bits(pixels):
    return [each.astype(np.uint16) << 8 for each in pixels]


def depths_of(real, fake, *, bits=16):
    study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake), bits=bits)
    return [row for row in audited(study).findings if row["check"] == "Native depths"]


@pytest.mark.parametrize(
    ("made", "bits", "verdicts"),
    [
        (list, 16, ["red"]),
        (saved_in_sixteen_bits, 16, ["red"]),
        (in_sixteen_bits, 16, ["green"]),
        (list, 8, []),
    ],
)
def test_eight_bits_of_one_arm_are_red_where_raters_window(made, bits, verdicts):
    real, fake = arms(each=10)

    rows = depths_of(in_sixteen_bits(real), made(fake), bits=bits)

    assert [row["verdict"] for row in rows] == verdicts
    if verdicts == ["red"]:
        assert "10 of 10 real images and 0 of 10 generated ones" in rows[0]["reason"]


@pytest.mark.parametrize(("shallow_real", "verdict"), [(0, "amber"), (1, "green")])
def test_a_depth_that_one_arm_alone_has_is_amber_however_few_have_it(shallow_real, verdict):
    real, fake = arms(each=10)
    mixed = [*real[:shallow_real], *in_sixteen_bits(real[shallow_real:])]

    rows = depths_of(mixed, [*fake[:1], *in_sixteen_bits(fake[1:])])

    assert [row["verdict"] for row in rows] == [verdict]
