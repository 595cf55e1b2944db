"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64

from django.template.loader import render_to_string

from rating.report.contents import Picture, Report


def as_html(report: Report, picture: Picture) -> bytes:
    """The report with its drawings inside; `picture` gives an exhibit's bytes in a format."""
    sections = [
        {
            "section": section,
            "pieces": [
                {"piece": piece, "picture": _address(picture(piece.exhibit, "svg"))}
                if piece.exhibit and piece.exhibit.draw
                else {"piece": piece}
                for piece in section.pieces
            ],
        }
        for section in report.sections
    ]
    return render_to_string("rating/report.html", {"report": report, "sections": sections}).encode()


def _address(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
