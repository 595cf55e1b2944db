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
