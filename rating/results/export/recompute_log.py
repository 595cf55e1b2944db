"""Recompute the hashes of log.csv and revisions.csv with Python alone:  python recompute_log.py

Each row's hash is SHA-256 over LENGTH:BYTES, of each cell (- where there is none), the hash of the row before among
them. Prints the head of each chain, to be held against the report or against an anchor; exit 1 where a row differs.
"""

import csv
import hashlib
import sys

EVENT = (
    "chain number at subject_kind subject_key action actor_kind actor identity_sha256 reason_sha256 detail"
)
REVISION = (
    "sitting chain_number rating presentation number client_key saved_at label confidence reasons active_ms idle_ms "
    "view_state remark_sha256 reason_sha256"
)
SECOND = " second_answers second_texts_sha256"  # in the hash of a save that has any
ABSENT = {"actor", "confidence", "active_ms", "idle_ms"}  # an empty cell of these is none at all


def link(tag: str, before: str, row: dict[str, str], names: str) -> str:
    content = [tag, before]
    cells: list[str | None] = [
        None if name in ABSENT and not row[name] else row[name] for name in names.split()
    ]
    words = [_cell(cell) for cell in [*content, *cells]]
    return hashlib.sha256(b"".join(words)).hexdigest()


def _cell(cell: str | None) -> bytes:
    if cell is None:
        return b"-"
    return b"%d:%s," % (len(cell.encode()), cell.encode())


def check(file: str, tag: str, names: str, chain: str, number: str) -> int:
    """How many rows of this file differ from their hash."""
    wrong = 0
    heads: dict[str, tuple[int, str]] = {}
    with open(file, encoding="utf-8", newline="") as lines:  # noqa: PTH123  (plain Python, for anybody)
        for row in csv.DictReader(lines):
            key = row[chain]
            place, before = heads.get(key, (0, ""))
            has_second = tag == "revision 1" and (row["second_answers"] != "{}" or row["second_texts_sha256"])
            linked = (
                link("revision 2", before, row, names + SECOND)
                if has_second
                else link(tag, before, row, names)
            )
            if int(row[number]) != place + 1 or linked != row["sha256"]:
                print(f"{file}: {key} {row[number]} is not as it was written")
                wrong += 1
            heads[key] = (int(row[number]), row["sha256"])
    for key, (place, sha256) in heads.items():
        print(f"{file}: {key} {place} {sha256}")
    return wrong


if __name__ == "__main__":
    differing = check("log.csv", "event 1", EVENT, "chain", "number")
    differing += check("revisions.csv", "revision 1", REVISION, "sitting", "chain_number")
    sys.exit(bool(differing))
