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
    *("name", "names", "firstname", "lastname", "surname", "forename", "initials"),
    *("birth", "birthdate", "birthday", "birthplace", "dob", "dod", "date", "dates", "datetime", "deathdate"),
    *("address", "street", "postcode", "zip", "zipcode", "phone", "telephone", "fax", "email", "mail"),
    *("mrn", "ssn", "nhs", "insurance", "passport", "accession", "accessionnumber", "medical_record_number"),
}
OWNERS = ("patient", "subject", "study", "series", "acquisition", "content", "scan", "exam")
OF_A_THING = {
    "scanner",
    "device",
    "model",
    "manufacturer",
    "protocol",
    "sequence",
    "kernel",
    "drug",
}  # its name
OF_A_BIRTH = {"weight", "order", "preterm", "gestational"}
# What a generated image's provenance says of how it was made.
OF_MAKING = {
    *("engine", "model", "prompt", "seed", "index", "job", "sampler", "steps", "guidance", "size"),
    *("precision", "guidance_low", "guidance_high", "guidance_rescale", "attribute_guidance"),
    *("text_encoder", "text_encoder_sha256", "checkpoint_step", "checkpoint_sha256"),
    *("trained_on", "trained_on_before", "fid", "kid", "fid_extractor", "further_distances"),
    *("edit_of", "edit_of_sha256", "strength", "region", "mask", "mask_sha256"),
    *("model_sha256", "pipeline", "scheduler", "lora", "lora_scale", "negative_prompt"),
    *("num_inference_steps", "guidance_scale", "width", "height"),
    *("quality", "output_format", "response_format"),
    *("revised_prompt", "server", "request_id", "created", "usage"),
    *("resolved_size", "resolved_quality", "resolved_background", "resolved_output_format"),
    *("derived_from", "masked", "fetched_from"),
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
        if names_a_person(name):
            raise BadSourceError(f"A column called {name} is never kept; rename it if it names nobody.")
        if name in OF_MAKING:
            raise BadSourceError(
                f"A column called {name} is never kept, as generated images say so how they were made; rename it."
            )
    return names


def names_a_person(name: str) -> bool:
    """Whether a word in the name is one of a person or a day: `patient_dob`, `StudyDate`, not `birth_weight`, `candidate`."""
    words = {_without_owner(word) for word in name.split("_")}
    personal = words & OF_A_PERSON
    if words & OF_A_THING:
        personal -= {"name", "names"}
    if words & OF_A_BIRTH:
        personal -= {"birth"}
    return bool(personal) or name in OF_A_PERSON


def _without_owner(word: str) -> str:
    """`date` of `studydate`."""
    return next(
        (word.removeprefix(owner) for owner in OWNERS if word.removeprefix(owner) in OF_A_PERSON), word
    )


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
