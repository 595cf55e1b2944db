"""Every command that README and docs print is run in a walk, or at least understood by the program that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lungrater import commands_in_docs
from tests.lungrater.commands_in_docs import OF_DJANGO, PAGES, PROGRAM, REPOSITORY

BLOCKS = [block for page in PAGES for block in commands_in_docs.blocks(page)]


def is_ours(line: str) -> bool:
    return bool(PROGRAM.match(re.sub(r"^(?:[A-Z_]+=\S+ +)+", "", line)))


COMMANDS = [(block.page, line) for block in BLOCKS for line in block.lines if is_ours(line)]
INLINE = [
    (page.name, span)
    for page in PAGES
    for span in sorted(commands_in_docs.inline_commands(page))
    if span.split()[1] not in OF_DJANGO
]
BENCHES = [(block.page, line) for block in BLOCKS for line in block.lines if " bench" in line]
WALKS = ("servers/test_tutorials.py", "lungrater/test_tutorials_by_command.py")
# Neither typed in a walk nor read by our own parsers, each with the reason.
NOWHERE = {
    'docs/api.md: curl -H "Authorization: Bearer lrt_…" https://lungrater.example.org/api/v1/me': (
        "curl's own; the same request is made in tests/api"
    ),
    'docs/api.md: site = Client("https://lungrater.example.org", "lrt_…")': (
        "Python, not a command; tests/servers/test_first_hour_by_client.py calls these methods beside a site"
    ),
    "docs/operations.md: createdb lungs": (
        "createdb is PostgreSQL's; the restore below it is parsed, and done by tests/servers/test_moving.py"
    ),
    "docs/operations.md: wal_level = replica": "lines of postgresql.conf; they need a server of one's own",
    "docs/operations.md: restore_command = 'cp /backups/wal/%f %p'": "a line of postgresql.conf",
    "docs/operations.md: ALTER ROLE lungrater SET statement_timeout = '30s';": (
        "SQL for the owner of an own server"
    ),
    'docs/quality.md: name = "Inception (pytorch-fid)"        # stands beside every number; else the file\'s own name': (
        "a recipe; tests/generation/metrics reads such files"
    ),
    'docs/training.md: TORCHRUN="--nnodes=2 --node-rank=0 --master-addr=HOST --master-port=29500" lungrater train …': (
        "needs a second machine; tests/generation/diffusion hands torchrun such words"
    ),
    "docs/quality.md: python3.11 -m venv radiomics": "needs a compiler and other people's packages",
}


def is_of_make_or_bench(line: str) -> bool:
    return line.startswith(("make ", "python bench/", "python -m bench."))


def script_of(line: str) -> Path:
    name = line.split()[1] if line.startswith("python bench/") else line.split()[2].replace(".", "/") + ".py"
    return REPOSITORY / name


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_the_command_has_these_arguments(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for variant in commands_in_docs.variants(line):
        command, *arguments = commands_in_docs.arguments_of(variant)
        if command == "import" and not arguments[0].startswith(("-", "https:")):
            Path(arguments[0]).mkdir(parents=True, exist_ok=True)  # what the reader has
        if command not in OF_DJANGO:
            commands_in_docs.parser_of(command).parse_args(arguments)


@pytest.mark.parametrize(("page", "span"), INLINE)
def test_the_command_of_a_sentence_has_these_options(page: str, span: str) -> None:
    command, *rest = commands_in_docs.arguments_of(span)
    named, existing = commands_in_docs.options_of([command, *rest])

    assert named <= existing


@pytest.mark.parametrize(("page", "line"), BENCHES)
def test_the_measurement_exists_with_these_options(page: str, line: str) -> None:
    source = script_of(line).read_text(encoding="utf-8")

    assert [option for option in re.findall(r"--[a-z-]+", line) if f'"{option}"' not in source] == []


def test_every_block_is_run_or_parsed_or_has_a_reason() -> None:
    elsewhere = {
        block.name
        for block in BLOCKS
        if not block.is_run and not all(is_ours(line) or is_of_make_or_bench(line) for line in block.lines)
    }

    assert elsewhere == set(NOWHERE)


def test_every_page_with_a_marked_block_is_walked() -> None:
    sources = [(REPOSITORY / "tests" / walk).read_text(encoding="utf-8") for walk in WALKS]
    walked = set(re.findall(r'typed\("([^"]+)"', "".join(sources)))

    assert {block.page.removeprefix("docs/tutorials/") for block in BLOCKS if block.is_run} == walked
