"""What the command `utility` refuses, in words."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from generation.models import UtilityExperiment
from pool.models import Dataset

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--real", "nothing"], "There is no dataset 'nothing'"),
        (["--real", "R"], "--synthetic: Choose synthetic images"),
        (["--real", "R", "--synthetic", "R"], "--synthetic: Choose datasets of synthetic images"),
        (["--real", "R", "--train", "tiny"], "--per-class: Say how many"),
        (["--real", "R", "--synthetic", "S", "--ratios", "many"], "could not convert"),
        (["--resume", "nothing"], "There is no experiment 'nothing'"),
    ],
)
def test_a_command_that_cannot_be_says_why_and_leaves_nothing(arguments: list[str], said: str) -> None:
    Dataset.objects.create(name="R", origin="real", modality="xray")
    Dataset.objects.create(name="S", origin="synthetic", modality="xray")

    with pytest.raises(CommandError, match=said):
        call_command("utility", *arguments)

    assert not UtilityExperiment.objects.exists()
    assert Dataset.objects.count() == 2
