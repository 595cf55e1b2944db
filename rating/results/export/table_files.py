"""A table as files for manuscripts: Word and LaTeX, as people read it, its notes below."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

from rating.results.exhibit import Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "κ": r"\ensuremath{\kappa}",
    "α": r"\ensuremath{\alpha}",
    "′": r"\ensuremath{'}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "×": r"\ensuremath{\times}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def as_latex(table: Table, title: str) -> str:
    r"""A `table` float; needs \usepackage{booktabs}. Letters of other scripts need a font that has them."""
    readable = table.to_read()
    columns = "".join("r" if head.is_number else "l" for head in readable.heads)
    lines = [
        "% Needs \\usepackage{booktabs}.",
        "\\begin{table}",
        f"\\caption{{{_escaped(title)}}}",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        _row(head.text for head in readable.heads),
        "\\midrule",
        *(_row(cell.text for cell in row.cells) for row in readable.display_rows()),
        "\\bottomrule",
        "\\end{tabular}",
        *(f"\n{_escaped(note)}" for note in readable.notes),
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def as_word(table: Table, title: str) -> bytes:
    """A document with a heading, the table, whose head comes again on each page, and its notes."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement

    readable = table.to_read()
    document = docx.Document()
    document.core_properties.author = "LungRater"
    document.core_properties.title = title
    document.add_heading(title, level=1)
    grid = document.add_table(rows=1, cols=len(readable.columns), style="Light List")
    rows = [[head.text for head in readable.heads]]
    rows += [[cell.text for cell in row.cells] for row in readable.display_rows()]
    for place, texts in enumerate(rows):
        cells = grid.rows[0].cells if place == 0 else grid.add_row().cells
        for cell, head, text in zip(cells, readable.heads, texts, strict=True):
            cell.text = _printable(text)
            if head.is_number:
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    grid.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for note in readable.notes:
        document.add_paragraph(_printable(note))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _row(texts: Iterable[str]) -> str:
    return " & ".join(_escaped(text) for text in texts) + r" \\"


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in _printable(text))


def _printable(text: str) -> str:
    """Without control characters, which XML has no way to write."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


# Of each ending of a file the type of its content, and how it is written.
TABLES: dict[str, tuple[str, Callable[[Table, str], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", lambda table, _title: table.csv().encode()),
    "tex": ("application/x-tex; charset=utf-8", lambda table, title: as_latex(table, title).encode()),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", as_word),
}
