"""The ratings as Parquet: the columns of the CSV with their types, nothing guarded, nothing lost.

PostgreSQL sends each page as a few binary arrays, which Arrow takes a column at a time: no row becomes a Python object.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rating.reading.marks import SIDES, marks_of
from rating.results.export.binary_columns import aggregates, column_of, fetched, texts
from rating.results.export.rating_rows import (
    IMAGE_KEY,
    OF_THE_IMAGE,
    OF_THE_SHOWING,
    ImageFacts,
    SittingsPage,
    after_image,
    image_facts,
    row_query,
    sitting_pages,
)
from rating.results.export.ratings_csv import SECOND, SetFacts, codebook_of, of_stack, sets_of
from rating.studies.second_questions import Kind, second_questions
from rating.studies.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = 10_000
AS_TEXT = ("reasons", "second", "view_state")  # read as texts, of which each different one is looked up
RATER_PLACE = "sitting.place - 1"  # among the page's sittings, in place of a rater's pseudonym
NUMBERS = ("session", "position", "confidence", "revision", "place")
MILLISECONDS = ("active_ms", "idle_ms")
INSTANTS = {"first_shown_at": "presentation.first_shown_at", "rated_at": "rating.rated_at"}
LISTS_OF_SETS = ("dataset", "finding", "members", "generator")
MISSING = "Parquet needs pyarrow, which this site lacks: `pip install 'lungrater[export]'`, or take the CSV."


class NoParquetError(Exception):
    """There is no writer of Parquet here; the message is one sentence."""

    def __init__(self) -> None:
        super().__init__(MISSING)


def has_parquet() -> bool:
    """Whether the writer is installed; it is not loaded to look."""
    return importlib.util.find_spec("pyarrow") is not None


def write_parquet(study: Study, path: Path, *, machines: bool = False) -> int:
    """Write the ratings, or the machines', to this file; how many rows. Raises NoParquetError."""
    if not has_parquet():
        raise NoParquetError
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_memory_pool(pa.system_memory_pool())  # gives pages back, so that the process stays small
    rows = 0
    schema = _schema(study)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in _tables(study, schema, machines=machines):
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _schema(study: Study) -> pa.Schema:
    import pyarrow as pa

    types: dict[str, object] = dict.fromkeys(codebook_of(study), pa.string())
    types |= {name: pa.int32() for name in NUMBERS if name in types}
    types |= {name: pa.int64() for name in MILLISECONDS}
    types |= {name: pa.timestamp("ms", tz="UTC") for name in INSTANTS}
    types["reasons"] = pa.list_(pa.string())
    if study.shows_sets:
        types |= {name: pa.list_(pa.string()) for name in LISTS_OF_SETS if name in types}
    types |= _second_types(study)
    if study.slices > 1:
        types |= {"slices": pa.int32(), "slices_reached": pa.int32(), "slice_ms": pa.list_(pa.int64())}
    if study.lets_mark:
        of_slice = [("slice", pa.int32())] if study.slices > 1 else []
        types["marks"] = pa.list_(pa.struct([*((side, pa.float64()) for side in SIDES), *of_slice]))
    meanings = {name: {b"meaning": words.encode()} for name, words in codebook_of(study).items()}
    return pa.schema([pa.field(name, kind, metadata=meanings[name]) for name, kind in types.items()])


def _tables(study: Study, schema: pa.Schema, *, machines: bool) -> Iterator[pa.Table]:
    import pyarrow as pa

    images = _Images(image_facts(study))
    sets = sets_of(study) if study.shows_sets else {}
    pages = sitting_pages(study, machines=machines, size=PAGE)
    for read in _Pages(study, schema).columns(pages):
        columns = read | images.of(read[IMAGE_KEY])
        columns["reasons"] = _mapped(columns["reasons"], json.loads, schema.field("reasons").type)
        for name, kind in _second_types(study).items():
            columns[name] = _mapped(columns["second"], _answer_picker(name.removeprefix(SECOND)), kind)
        if study.slices > 1:
            columns |= _of_stacks(columns, study, schema)
        if study.lets_mark:
            columns["marks"] = _mapped(
                columns["view_state"], lambda state: marks_of(json.loads(state)), schema.field("marks").type
            )
        if sets:
            columns |= _of_sets(columns["image"], sets, schema)
        yield pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


class _Images:
    """The facts of a study's images as columns, of which each page takes its rows by the images' keys."""

    def __init__(self, facts: dict[int, ImageFacts]) -> None:
        import pyarrow as pa

        self.keys = _array(list(facts), pa.int64())
        self.columns = {
            name: texts([row[place] for row in facts.values()]) for place, name in enumerate(OF_THE_IMAGE)
        }

    def of(self, keys: pa.Array) -> dict[str, pa.Array]:
        import pyarrow.compute as pc

        places = pc.index_in(keys, value_set=self.keys)
        return {name: column.take(places) for name, column in self.columns.items()}


def _second_types(study: Study) -> dict[str, object]:
    """The column of each second question, and the type of its answers."""
    import pyarrow as pa

    types = {Kind.MULTIPLE: pa.list_(pa.string()), Kind.SCALE: pa.int32(), Kind.NUMBER: pa.float64()}
    questions = second_questions(study.second_questions)
    return {f"{SECOND}{each.code}": types.get(Kind(each.kind), pa.string()) for each in questions}


def _answer_picker(code: str) -> Callable[[str], Any]:
    return lambda answers: json.loads(answers).get(code)


class _Pages:
    """Reads pages of rows as columns, the rater's pseudonym put in and the image by its key."""

    def __init__(self, study: Study, schema: pa.Schema) -> None:
        import pyarrow as pa

        self.study = study.name
        names = [*OF_THE_SHOWING, IMAGE_KEY, *after_image(study)]
        types = {name: schema.field(name).type for name in names if name in schema.names}
        types |= dict.fromkeys(AS_TEXT, pa.string()) | {IMAGE_KEY: pa.int64(), "rater": pa.int64()}
        self.types = {name: types[name] for name in names if name != "second" or study.second_questions}
        rows = row_query(study, rater=RATER_PLACE, **INSTANTS)
        cells = [each for name, kind in self.types.items() for each in aggregates(name, kind)]
        self.query = f"SELECT {', '.join(cells)} FROM ({rows}) AS page ({', '.join(names)})"  # noqa: S608  (constants of this package only)

    def columns(self, pages: Iterable[SittingsPage]) -> Iterator[dict[str, Any]]:
        parameters = ((page.raters, page.parameters(PAGE)) for page in pages)
        for raters, row in fetched(self.query, parameters):
            cells = iter(row)
            columns = {name: column_of(cells, kind) for name, kind in self.types.items()}
            of_sitting = columns["rater"]
            columns["rater"] = texts(raters).take(of_sitting)
            columns["study"] = texts([self.study] * len(raters)).take(of_sitting)
            yield columns


def _mapped(column: Any, of: Callable[[str], Any], kind: Any) -> Any:
    """The column with each different text in it looked up once."""
    import pyarrow as pa

    coded = column.dictionary_encode()
    if not len(coded.dictionary):
        return pa.nulls(len(column), kind)
    return _array([of(text) for text in coded.dictionary.to_pylist()], kind).take(coded.indices)


def _array(values: list[Any], kind: Any) -> Any:
    """As `pyarrow.array`, which would load pandas, and with it half as much memory again."""
    import pyarrow as pa
    from pyarrow import json as arrow_json

    lines = "".join(f'{{"value": {json.dumps(value)}}}\n' for value in values).encode()
    options = arrow_json.ParseOptions(explicit_schema=pa.schema([("value", kind)]))
    in_turn = arrow_json.ReadOptions(use_threads=False)
    table = arrow_json.read_json(pa.BufferReader(lines), read_options=in_turn, parse_options=options)
    return table["value"].combine_chunks()


def _of_stacks(columns: dict[str, object], study: Study, schema: pa.Schema) -> dict[str, object]:
    facts: dict[str, tuple[str, Callable[[str], Any]]] = {
        "slices": ("rater", lambda _: study.slices),
        "slices_reached": ("view_state", lambda state: of_stack(state)["slices_reached"]),
        "slice_ms": ("view_state", lambda state: of_stack(state)["slice_ms"]),
    }
    return {name: _mapped(columns[of], look, schema.field(name).type) for name, (of, look) in facts.items()}


def _of_sets(image: Any, sets: dict[str, SetFacts], schema: pa.Schema) -> dict[str, object]:
    facts: dict[str, Callable[[str], Any]] = {
        "dataset": lambda code: sets[code]["dataset"],
        "finding": lambda code: sets[code]["finding"],
        "truth": lambda code: sets[code]["truth"],
        "members": lambda code: sets[code]["members"],
        "generator": lambda code: sets[code].get("generator"),
    }
    return {
        name: _mapped(image, of, schema.field(name).type)
        for name, of in facts.items()
        if name in schema.names
    }
