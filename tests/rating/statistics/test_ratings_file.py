"""Ratings files: what is read, what is left out, what is refused and in which words."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from rating.statistics import RatingsError, RatingsTable, read_ratings

pytestmark = pytest.mark.filterwarnings("error")


def read(text: str, session: str | None = None) -> list[list[int]]:
    rows: list[list[int]] = read_ratings(io.StringIO(text), session=session).codes.tolist()
    return rows


def test_the_three_required_columns_are_enough_in_any_order() -> None:
    found = read_ratings(io.StringIO("label,image,rater\r\nfake,I1,A\r\nReal,I2,A\r\n unsure ,I1,B\r\n"))

    assert found.raters == ("A", "B")
    assert found.images == ("I1", "I2")
    assert found.codes.tolist() == [[1, 0], [2, -1]]


def test_semicolons_may_stand_for_commas() -> None:
    text = 'rater;image;label;remark\nA;I1;real;"ribs; hila, too"\nB;I1;fake;\n'

    assert read(text) == [[0], [1]]


def test_repeats_practice_and_probes_are_not_counted() -> None:
    text = "rater,image,label,kind\nA,I1,real,main\nA,I1,fake,repeat\nA,I9,fake,practice\nA,I8,fake,probe\nA,I2,fake,\n"

    assert read(text) == [[0, 1]]


def test_an_empty_label_is_an_image_not_rated() -> None:
    assert read("rater,image,label\nA,I1,\nB,I1,fake\n") == [[-1], [1]]


def test_images_are_grouped_by_modality_or_by_the_column_asked_for() -> None:
    text = "rater,image,label,modality,dataset\nA,I1,real,ct,x\nA,I2,real,xray,y\n"

    assert read_ratings(io.StringIO(text)).groups == ("ct", "xray")
    assert read_ratings(io.StringIO(text), by="dataset").groups == ("x", "y")


def test_one_session_can_be_picked() -> None:
    text = "rater,image,label,session\nA,I1,real,1\nA,I1,fake,2\n"

    assert read(text, session="2") == [[1]]


def test_a_file_with_a_byte_order_mark_and_quoted_cells_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_bytes(
        '\ufeffrater,image,label,remark\r\nA,I1,real,"two\r\nlines, and ""quotes"""\r\n'.encode()
    )

    assert read_ratings(file).codes.tolist() == [[0]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty"),
        ("rater,image\nA,I1\n", "Line 1: there is no column 'label'"),
        ("rater,image,label,label\n", "Line 1: the column 'label' is there 2 times"),
        (
            "rater,image,label\nA,I1,real\nA,I2,maybe\n",
            "Line 3, column 'label': it is not one of real, fake",
        ),
        ("rater,image,label\nA,I1\n", "Line 2 has 2 cells where the header has 3"),
        ("rater,image,label\n,I1,real\n", "Line 2, column 'rater': it is empty"),
        ("rater,image,label\nA,,real\n", "Line 2, column 'image': it is empty"),
        (
            "rater,image,label\nA,I1,real\nA,I1,fake\n",
            "Line 3, column 'image': this rater has rated this image before",
        ),
        ('rater,image,label\nA,I1,"real\n', "is not CSV"),
        (
            "rater,image,label,modality\nA,I1,real,ct\nB,I1,real,xray\n",
            "Line 3, column 'image': this image is in two groups",
        ),
        (
            "study,rater,image,label\nS,A,I1,real\nT,A,I2,real\n",
            "Line 3, column 'study': it is another study",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RatingsError) as refusal:
        read(text)

    assert sentence in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


WIDE = "study;image;modality;A;B\nS;I1;ct;real;fake\nS;I2;xray;NA;unsure\n"
LONG = "study,rater,image,label,modality\nS,A,I1,real,ct\nS,B,I1,fake,ct\nS,A,I2,,xray\nS,B,I2,unsure,xray\n"


def test_a_wide_table_is_the_long_one_with_a_column_for_each_rater() -> None:
    wide, long = read_ratings(io.StringIO(WIDE), wide=True), read_ratings(io.StringIO(LONG))

    assert wide.codes.tolist() == long.codes.tolist() == [[0, -1], [1, 2]]
    assert (wide.raters, wide.images, wide.groups) == (long.raters, long.images, long.groups)


def test_the_first_column_of_a_wide_table_names_the_image_unless_one_is_called_so() -> None:
    assert read_ratings(io.StringIO("subject,A\n7,real\n"), wide=True).images == ("7",)
    assert read_ratings(io.StringIO("A,image\nreal,7\n"), wide=True).images == ("7",)


@pytest.mark.parametrize("header", ["image", "image,A,A", "image,A,"])
def test_a_wide_table_names_each_rater_once(header: str) -> None:
    with pytest.raises(RatingsError, match="each rater once"):
        read_ratings(io.StringIO(header + "\n"), wide=True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_text_that_declares_its_encoding_is_read_by_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "ratings.txt"
    file.write_bytes("rater\timage\tlabel\nÄ\tI1\treal\n".encode(encoding))

    assert read_ratings(file).raters == ("Ä",)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_bytes(b"rater,image,label\nA,I1,r\xe9al\n")

    with pytest.raises(RatingsError, match="not UTF-8"):
        read_ratings(file)


@pytest.mark.parametrize("labels", [("real",), ("real", "real"), ("real", ""), ()])
def test_a_label_set_must_be_one(labels: tuple[str, ...]) -> None:
    with pytest.raises(RatingsError):
        read_ratings(io.StringIO("rater,image,label\n"), labels)


def test_rows_make_a_table_in_the_order_of_their_first_appearance() -> None:
    rows = [("B", "I2", "fake", "ct"), ("A", "I1", "", "xray"), ("A", "I2", "real", "ct")]

    table = RatingsTable.from_rows(rows)

    assert table.raters == ("B", "A")
    assert table.images == ("I2", "I1")
    assert table.codes.tolist() == [[1, -1], [0, -1]]
    assert table.groups == ("ct", "xray")
    assert table.rated().images == ("I2",)


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (
            ("A", "I1", "fake", "ct"),
            "This rater has rated this image before; keep one of the two lines, or name the session.",
        ),
        (("B", "I1", "fake", "xray"), "This image is in two groups of 'modality'; give it one."),
        (("B", "I1", "odd", "ct"), "A label is not one of real, fake, unsure."),
    ],
)
def test_rows_that_cannot_be_are_refused(second: tuple[str, str, str, str], sentence: str) -> None:
    with pytest.raises(RatingsError) as refusal:
        RatingsTable.from_rows([("A", "I1", "real", "ct"), second])

    assert str(refusal.value) == sentence


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("declared", [True, False])
def test_cells_may_be_parted_by_commas_semicolons_tabs_or_pipes(mark: str, declared: bool) -> None:
    lines = [f"sep={mark}"] * declared + [
        mark.join(row) for row in (["rater", "image", "label"], ["A", "I1", "fake"])
    ]

    assert read("\n".join(lines) + "\n") == [[1]]


def test_a_line_number_counts_the_line_that_declares_the_separator() -> None:
    with pytest.raises(RatingsError, match=r"^Line 3,"):
        read("sep=;\nrater;image;label\nA;I1;maybe\n")


@pytest.mark.parametrize("word", ["NA", "n/a", "NaN", "null", "None", "-", "."])
def test_what_programs_write_for_nothing_is_an_image_not_rated(word: str) -> None:
    assert read(f"rater,image,label\nA,I1,{word}\nB,I1,fake\n") == [[-1], [1]]


def workbook(rows: list[list[str]]) -> bytes:
    """A workbook with shared texts, as Excel writes it."""
    texts = sorted({cell for row in rows for cell in row})
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    cells = "".join(
        f'<row r="{n}">'
        + "".join(
            f'<c r="{chr(65 + at)}{n}" t="s"><v>{texts.index(cell)}</v></c>'
            for at, cell in enumerate(row)
            if cell
        )
        + "</row>"
        for n, row in enumerate(rows, start=1)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        book.writestr("xl/sharedStrings.xml", f"<sst {space}>{shared}</sst>")
        book.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{cells}</sheetData></worksheet>"
        )
    return buffer.getvalue()


def test_an_excel_sheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ratings.xlsx"
    file.write_bytes(
        workbook([["rater", "image", "label"], ["A", "I1", "real"], ["B", "I1", "unsure"], ["B", "I2", ""]])
    )

    assert read_ratings(file).codes.tolist() == [[0, -1], [2, -1]]


LABEL_STUDIO = [
    {
        "id": 1,
        "data": {"image": "one.png"},
        "annotations": [
            {"completed_by": 7, "result": [{"type": "choices", "value": {"choices": ["Fake"]}}]},
            {
                "completed_by": {"email": "b@x.org"},
                "result": [{"type": "choices", "value": {"choices": ["Real"]}}],
            },
            {"completed_by": 9, "was_cancelled": True, "result": []},
        ],
    }
]
DOCCANO = [
    {"id": 1, "filename": "one.png", "label": ["fake"], "username": "A"},
    {"id": 1, "filename": "one.png", "label": ["real"], "username": "B"},
]


@pytest.mark.parametrize(
    "text",
    [json.dumps(LABEL_STUDIO), json.dumps(DOCCANO), "\n".join(json.dumps(entry) for entry in DOCCANO)],
)
def test_exports_of_label_studio_and_doccano_are_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.json"
    file.write_text(text)

    found = read_ratings(file)

    assert found.images == ("one.png",)
    assert found.codes.tolist() == [[1], [0]]


def test_the_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"rater,image,label\nA,I1,fake\n")))

    assert read_ratings("-").codes.tolist() == [[1]]


@pytest.mark.parametrize(
    "content",
    [
        b"rater,image,label\nSECRET,SECRET,SECRET\n",
        b"SECRET,rater,image\n",
        b"rater,image,label\nSECRET,SECRET,real\nSECRET,SECRET,real\n",
        b'[{"SECRET": 1}]',
        b'{"SECRET',
        b"PK\x03\x04SECRET",
        b"study,rater,image,label\nSECRET1,A,I1,real\nSECRET2,A,I2,real\n",
        b'rater,image,label\nA,I1,"SECRET\n',
    ],
)
def test_no_refusal_repeats_what_the_file_holds(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ratings"
    file.write_bytes(content)

    with pytest.raises(RatingsError) as refusal:
        read_ratings(file)

    assert "SECRET" not in str(refusal.value)
    assert re.fullmatch(r"[A-Z].*\.", str(refusal.value))
