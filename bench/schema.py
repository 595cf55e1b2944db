"""The schema that the migrations leave, as sorted JSON, and what differs between two of them.

    python bench/schema.py dump FILE
    python bench/schema.py compare OLD NEW [--renamed old_table=new_table ...]

`dump` migrates an embedded database in a throwaway home. `compare` takes tables to be the same that were
renamed, and lets go of the hash in names that Django makes up; exit 1 when anything else differs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid), a.attidentity, l.collname
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
"""
CONSTRAINTS = """
    SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.connamespace = 'public'::regnamespace AND k.contype <> 'n'  -- a column's null says it already
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
TRIGGERS = """
    SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""
FUNCTIONS = """
    SELECT p.proname, pg_get_functiondef(p.oid)
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
SEQUENCES = "SELECT sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'"

Schema = dict[str, dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("dump").add_argument("file", type=Path)
    compare = commands.add_parser("compare")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    compare.add_argument("--renamed", nargs="*", default=[], action="extend", metavar="OLD=NEW")
    options = parser.parse_args()
    if options.command == "dump":
        options.file.write_text(json.dumps(migrated_schema(), indent=1, sort_keys=True) + "\n")
        return
    old, new = (json.loads(file.read_text()) for file in (options.old, options.new))
    tables = dict(pair.split("=", 1) for pair in options.renamed)
    lines = list(differences(comparable(old, tables), comparable(new, {})))
    print("\n".join(lines) or "The schemas are the same.")
    sys.exit(bool(lines))


def migrated_schema() -> Schema:
    with tempfile.TemporaryDirectory(prefix="lungrater-schema-") as home:
        os.environ["LUNGRATER_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "lungrater.settings"
        import django

        django.setup()
        from django.core.management import call_command

        from lungrater.embedded.running import running

        with running(who="schema"):
            call_command("migrate", verbosity=0)
            return schema_of_the_connection()


def schema_of_the_connection() -> Schema:
    from django.db import connection

    def rows(query: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    tables: Schema = {}
    for table, column, kind, not_null, default, identity, collation in rows(COLUMNS):
        empty: dict[str, Any] = {"columns": {}, "constraints": {}, "indexes": {}, "triggers": {}}
        tables.setdefault(table, empty)["columns"][column] = {
            "type": kind,
            "null": not not_null,
            "default": default,
            "identity": identity or None,
            "collation": collation,
        }
    for part, query in (("constraints", CONSTRAINTS), ("indexes", INDEXES), ("triggers", TRIGGERS)):
        for table, name, definition in rows(query):
            tables[table][part][name] = definition
    return {"tables": tables, "functions": dict(rows(FUNCTIONS)), "sequences": dict(rows(SEQUENCES))}


def comparable(schema: Schema, renamed: dict[str, str]) -> dict[str, str]:
    """Every part of the schema by its path, under the new names of the tables."""
    parts: dict[str, str] = {}

    def add(path: str, name: str, definition: Any) -> None:
        # Without its hash a made-up name may stand twice in a table; what it stands for tells the two apart.
        text = json.dumps(definition, sort_keys=True)
        key = f"{path} {name}"
        parts[f"{key} {text}" if "(hash)" in name else key] = text

    for old_table, table in schema["tables"].items():
        new_table = renamed_within(old_table, renamed)
        for column, facts in table["columns"].items():
            add(f"{new_table} column", column, renamed_within(facts, renamed))
        for part, kind in (("constraints", "constraint"), ("indexes", "index"), ("triggers", "trigger")):
            for name, definition in table[part].items():
                text = renamed_within(definition.replace(name, "(name)"), renamed)
                add(f"{new_table} {kind}", general(name, renamed), text)
    for part in ("functions", "sequences"):
        for name, definition in schema[part].items():
            add(part, general(name, renamed), renamed_within(definition, renamed))
    return parts


def general(name: str, renamed: dict[str, str]) -> str:
    """A name without the hash of its table, and with its table's new name where it begins with the old one.

    Django makes `table_columns_hash_suffix` and cuts it to fit; only what was asked for by name lacks a hash.
    """
    if re.search(r"_[0-9a-f]{8}(_|$)", name):
        return "(hash)" + re.sub(r".*_[0-9a-f]{8}(_fk)?.*?(_uniq|_idx|_like|)$", r"\1\2", name)
    return str(renamed_within(name, renamed))


def renamed_within(definition: Any, renamed: dict[str, str]) -> Any:
    """The tables' new names in a definition, and in the names made of them (`table_id_seq`, a table between two)."""
    if isinstance(definition, dict):
        return {key: renamed_within(value, renamed) for key, value in definition.items()}
    if not isinstance(definition, str) or not renamed:
        return definition
    pattern = r"\b(" + "|".join(map(re.escape, sorted(renamed, key=len, reverse=True))) + r")(?=\b|_)"
    return re.sub(pattern, lambda match: renamed[match[1]], definition)


def differences(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            yield f"- {path}: {old[path]}"
        elif path not in old:
            yield f"+ {path}: {new[path]}"
        elif old[path] != new[path]:
            yield f"~ {path}:\n    {old[path]}\n    {new[path]}"


if __name__ == "__main__":
    main()
