"""A protocol as a file: what one site writes, another makes the same study of."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from rating.models import Study
from rating.studies.protocol_file import protocol_of
from tests.rating.cast import draft_study

pytestmark = pytest.mark.django_db


def test_a_study_of_an_exported_protocol_has_the_same_protocol(tmp_path):
    first = draft_study("First", repeats=2, ask_confidence=True, reasons="Ribs\nText", instructions="Look.")
    file = tmp_path / "protocol.json"

    call_command("study", "export-protocol", "First", output=file)
    call_command("study", "create", "Second", protocol_file=file)

    second = Study.objects.get(name="Second")
    assert protocol_of(second) == protocol_of(first) | {"name": "Second"}
    assert list(second.strata.order_by("pk").values_list("count", flat=True)) == [3, 3]


def test_images_named_beside_the_file_take_the_place_of_its_own(tmp_path):
    draft_study("First")
    file = tmp_path / "protocol.json"
    call_command("study", "export-protocol", "First", output=file)

    call_command("study", "create", "Second", protocol_file=file, images=["First real xray=1"])

    assert list(Study.objects.get(name="Second").strata.values_list("count", flat=True)) == [1]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", json.dumps({"strata": [], "state": "open"}), json.dumps({"strata": [{"count": 1}]})],
)
def test_what_is_no_protocol_makes_no_study(tmp_path, text):
    file = tmp_path / "protocol.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(CommandError, match="is no protocol file"):
        call_command("study", "create", "Second", protocol_file=file)

    assert not Study.objects.exists()


def test_a_value_that_an_option_does_not_take_is_refused_with_the_option_and_what_it_takes():
    with pytest.raises(CommandError, match=r"--display-check: .*once.* Choose of: off, offered, required"):
        call_command("study", "create", "Second", images=["Any=1"], display_check="once")

    assert not Study.objects.exists()
