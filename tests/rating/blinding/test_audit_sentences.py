"""Whom the audit names images to, and what a study says whose audit has failed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from pool.models import Origin
from rating.models import BlindingAudit, Freeze
from tests.rating.blinding.pools import arms, audited, filled, image, lettered, nearly, study_of

pytestmark = pytest.mark.django_db


def test_no_sentence_of_the_audit_names_an_image() -> None:
    real, fake = arms()
    fake[3], fake[4] = nearly(real[5]), nearly(fake[6])
    fake[7] = nearly(image(1017))
    filled(Origin.REAL, [image(1017)])
    audit = audited(study_of(filled(Origin.REAL, map(lettered, real)), filled(Origin.SYNTHETIC, fake)))

    sentences = json.dumps([[f["reason"], f["remedy"], f["detail"]] for f in audit.findings])

    assert len([f for f in audit.findings if f["codes"]]) >= 3
    assert not re.search(r"I\d{4}", sentences)


def test_codes_are_named_to_whoever_may_see_the_truth_alone(
    client_of: Callable[[User], Client], researcher: User, admin: User
) -> None:
    real, fake = arms()
    fake[3] = nearly(real[5])
    pools = filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)
    study = study_of(*pools)
    audited(study)
    pools[1].memberships.all().delete()
    study.share_with(researcher)

    without_fakes = client_of(researcher).get(study.get_absolute_url()).content.decode()
    pools[1].share_with(researcher)
    with_fakes = client_of(researcher).get(study.get_absolute_url()).content.decode()

    code = next(f for f in study.blinding_audit.findings if f["codes"])["codes"][0][0]
    assert code not in without_fakes
    assert code in with_fakes


def test_a_failed_audit_keeps_the_study_closed_and_can_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    study = study_of(
        *(filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(each=3), strict=True))
    )
    with monkeypatch.context() as patch:
        patch.setattr("rating.blinding.audit_runner.examine", broken)
        freeze = Freeze.objects.create(study=study)
        freeze.perform()
    assert freeze.state == Freeze.State.SUCCEEDED
    study.refresh_from_db()
    assert "the disk is gone" in " ".join(study.reasons_not_to_open())

    BlindingAudit.objects.create(study=study).perform()

    assert "the disk is gone" not in " ".join(study.reasons_not_to_open())
