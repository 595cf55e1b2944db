"""Further columns of a table that whoever imports asks to keep: scanner, bmi, a caption; none is kept unasked."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pool.canonical.attributes import USUAL
from pool.canonical.texts import line
from pool.imports.dialects import ALIASES, MISSING, Table, key_of
from pool.imports.labels import BadSourceError
from pool.imports.notes import Note

MOST_COLUMNS = 20
LONGEST_NAME = 40
LONGEST_VALUE = 4000  # letters, which a report may need
READ_ANYWAY = {alias for aliases in ALIASES.values() for alias in aliases} | set(USUAL)
# What names a person or a day of their life: such a column is not kept, however it is asked for.
OF_A_PERSON = {
    *("name", "patient_name", "patientname", "first_name", "last_name", "surname", "address", "email"),
    *("birth_date", "birthdate", "date_of_birth", "dob", "patient_birth_date", "patientbirthdate"),
    *("mrn", "medical_record_number", "ssn", "insurance_number", "accession_number", "accessionnumber"),
}
# What a generated image's provenance says of how it was made.
OF_MAKING = {
    *("engine", "model", "prompt", "seed", "index", "job", "sampler", "steps", "guidance", "size"),
    "precision",
}


def column_names(words: str) -> tuple[str, ...]:
    """The names in “scanner, bmi”, each as a table's title becomes a name. Raises BadSourceError."""
    names = tuple(dict.fromkeys(key_of(line(word)) for word in words.split(",") if word.strip()))
    if len(names) > MOST_COLUMNS:
        raise BadSourceError(f"At most {MOST_COLUMNS} columns are kept.")
    for name in names:
        if not is_name(name):
            raise BadSourceError(
                f"A column that is kept has a name of letters, digits and spaces, {LONGEST_NAME} at most, "
                f"not “{name[:LONGEST_NAME]}”; rename it."
            )
        if name in READ_ANYWAY:
            raise BadSourceError(f"The column {name} is read without being named: leave it out.")
        if name in OF_A_PERSON | OF_MAKING:
            raise BadSourceError(f"A column called {name} is never kept; rename it if it names nobody.")
    return names


def is_name(word: str) -> bool:
    """Whether an attribute may be called so: nothing in it means anything to a page, a file or a sentence."""
    return word.isidentifier() and len(word) <= LONGEST_NAME


def check_columns(table: Table, names: Collection[str], title: str) -> None:
    """Raises BadSourceError where the table lacks one of them."""
    if lacking := [name for name in names if name not in table.columns]:
        raise BadSourceError(
            f"{title} has no column {' and no column '.join(lacking)}; it has {', '.join(table.columns)[:300]}."
        )


def values_of(lines: Iterable[dict[str, str]], names: Collection[str]) -> tuple[dict[str, str], list[Note]]:
    """What all rows of a file that say it agree on, by the column, and a note on what was cut."""
    rows, values, notes = list(lines), {}, []
    for name in names:
        cells = {line(row.get(name, "")) for row in rows}
        present = {cell for cell in cells if cell.casefold() not in MISSING}
        if len(present) != 1:
            continue
        value = present.pop()
        if len(value) > LONGEST_VALUE:
            notes.append(Note("columns", f"Of {name} the first {LONGEST_VALUE:,} letters were kept."))
        values[name] = value[:LONGEST_VALUE]
    return values, notes
