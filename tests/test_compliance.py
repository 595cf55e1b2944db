"""docs/compliance.md leaves no clause out, names no test that is not there, and counts rightly."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")

CLAUSES = {
    "ICH E6(R3)": (
        "4.2.2(a)(i) 4.2.2(a)(ii) 4.2.2(a)(iii) 4.2.2(b) 4.2.2(c) 4.2.2(d) 4.2.2(e) 4.2.3 4.2.4 4.1.4 "
        "4.3.3(b) 4.3.3(c) 4.3.3(d) 4.3.8(a) 4.3.8(b) 4.3.8(c)"
    ),
    "21 CFR Part 11": (
        "11.10(a) 11.10(b) 11.10(c) 11.10(d) 11.10(e) 11.10(f) 11.10(g) 11.10(h) 11.10(i) 11.10(j) 11.10(k) 11.30 "
        "11.50(a) 11.50(b) 11.70 11.100(a) 11.100(b) 11.100(c) 11.200(a)(1) 11.200(a)(2) 11.200(a)(3) 11.200(b) "
        "11.300(a) 11.300(b) 11.300(c) 11.300(d) 11.300(e)"
    ),
    "EU GMP Annex 11": (
        "1 2 3.1 3.2 3.3 3.4 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 5 6 7.1 7.2 8.1 8.2 9 10 11 12.1 12.2 12.3 12.4 13 14 15 16 17"
    ),
}
# What makes a connection to another machine than database and broker, and what docs/hospital-it/network.md calls that machine.
CONNECTING = {
    "accounts/sign_in/identity_provider.py": "identity provider",
    "generation/images/engines/openai_images.py": "Images API",
    "lungrater/deadlines/file_storage.py": "S3",
    "lungrater/deadlines/mail.py": "mail server",
    "lungrater/error_reports/sending.py": "error server",
    "lungrater/machines/vision_model.py": "a vision model",
    "outbound/dicomweb.py": "PACS by DICOMweb",
    "outbound/fetching.py": "an address that somebody types",
}
MAKES_CLIENT = re.compile(
    r"\b(?:api_client|public_client)\(|import EmailBackend|import boto3|from boto3|urlopen|smtplib"
)
# What level 2 of ASVS 5.0.0 asks for in its chapters 1 to 17, level 1 included.
ASVS = (27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below this heading, without its head."""
    section = re.split(r"^#+ ", PAGE.partition(f"# {heading}")[2], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("standard", CLAUSES)
def test_every_clause_has_its_row_and_no_cell_is_empty(standard: str) -> None:
    table = rows(standard)

    assert [row[0] for row in table] == CLAUSES[standard].split()
    assert [row for row in table if len(row) != 4 or not all(row)] == []
    assert [row[0] for row in table if not re.match(r"(Yes|Part|No|None)\b", row[2])] == []


@pytest.mark.parametrize("standard", CLAUSES)
def test_what_is_said_to_be_there_names_a_test_that_is(standard: str) -> None:
    for clause, _asks, answer, shown_by in rows(standard):
        paths = re.findall(r"`((?:tests|bench)/[^`]+)`", shown_by)
        assert paths or not answer.startswith("Yes"), f"{clause}: no test"
        assert [path for path in paths if not (ROOT / path).is_file()] == [], clause


def test_the_counts_of_asvs_are_those_of_its_lists() -> None:
    listed = {
        heading: Counter(int(number.split(".")[0]) for row in rows(heading) for number in row[0].split(", "))
        for heading in ("Not met", "Does not apply")
    }

    table = [[int(cell) for cell in row[1:]] for row in rows("OWASP ASVS")]

    assert tuple(row[0] for row in table) == ASVS
    for chapter, (asked, met, not_met, not_applying) in enumerate(table, start=1):
        assert asked == met + not_met + not_applying, f"V{chapter}"
        assert not_met == listed["Not met"][chapter], f"V{chapter}"
        assert not_applying == listed["Does not apply"][chapter], f"V{chapter}"


def test_no_requirement_of_asvs_is_listed_twice() -> None:
    numbers = [
        number
        for heading in ("Not met", "Does not apply")
        for row in rows(heading)
        for number in row[0].split(", ")
    ]

    assert len(numbers) == len(set(numbers))


def test_whatever_the_site_connects_to_stands_in_the_network_page() -> None:
    rooms = ("lungrater", "accounts", "audit", "jobs", "outbound", "pool", "generation", "rating")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    connecting = {
        str(file.relative_to(ROOT)) for file in files if MAKES_CLIENT.search(file.read_text(encoding="utf-8"))
    }
    network = (ROOT / "docs" / "hospital-it" / "network.md").read_text(encoding="utf-8")

    assert connecting - {"outbound/transport.py"} == set(CONNECTING)
    assert [name for name in CONNECTING.values() if name not in network.partition("## Outgoing")[2]] == []
