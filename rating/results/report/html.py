"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64

from django.template.loader import render_to_string

from rating.results.report.contents import ExhibitDrawer, Report


def as_html(report: Report, draw_exhibit: ExhibitDrawer) -> bytes:
    """The report with its drawings inside; `draw_exhibit` gives an exhibit's bytes in a format."""
    sections = [
        {
            "section": section,
            "pieces": [
                {"piece": piece, "address": _address(draw_exhibit(piece.exhibit, "svg"), "svg+xml")}
                if piece.exhibit and piece.exhibit.draw
                else {"piece": piece}
                for piece in section.pieces
            ],
            "galleries": [
                {
                    "gallery": gallery,
                    "images": [
                        {"image": image, "address": _address(image.png, "png")} for image in gallery.images
                    ],
                }
                for gallery in section.galleries
            ],
        }
        for section in report.sections
    ]
    return render_to_string("rating/report.html", {"report": report, "sections": sections}).encode()


def _address(draw_exhibit: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(draw_exhibit).decode()}"
