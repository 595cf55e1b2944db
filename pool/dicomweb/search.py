"""Which series of a source match, for a person who waits for the answer."""

from __future__ import annotations

import time
from dataclasses import replace

from outbound.dicomweb import MOST_SERIES, DicomwebClient, DicomwebError, SeriesMatch, SeriesQuery
from outbound.retry import Patience
from outbound.transport import Bounds
from pool.canonical.texts import line
from pool.dicomweb.models import DicomwebSource

__all__ = ["MOST_SERIES", "matching_series"]

AT_ONCE = Patience(attempts=1)
BOUNDS = Bounds(total_seconds=20.0, most_bytes=16 * 2**20, connect_seconds=5.0, read_seconds=20.0)
MOST_SECONDS = 30.0  # for all pages of an answer together
MODALITIES = {"CR": "xray", "DX": "xray", "CT": "ct", "MR": "mri", "SM": "microscopy"}
LONGEST_TEXT = 100


def matching_series(source: DicomwebSource, query: SeriesQuery) -> list[SeriesMatch]:
    """The series by study date and number, their texts on one line. Raises DicomwebError.

    Descriptions are free text, in which a name may stand: they are for the page that was asked for, and kept nowhere.
    """
    end = time.monotonic() + MOST_SECONDS

    def check_time() -> None:
        if time.monotonic() > end:
            raise DicomwebError(
                f"{source} has not told all its series within {MOST_SECONDS:g} s: ask for fewer."
            )

    with DicomwebClient(
        source.server, most_bytes=0, patience=AT_ONCE, list_bounds=BOUNDS, on_wait=check_time
    ) as client:
        matches = [_on_one_line(match) for match in client.series(query)]
    return sorted(matches, key=lambda match: (match.date, match.study, match.number.zfill(9), match.series))


def modality_of(matches: list[SeriesMatch]) -> str:
    """What the pool calls the modality of these series; empty where they are of several or of another one."""
    modalities = {MODALITIES.get(match.modality, "") for match in matches}
    return modalities.pop() if len(modalities) == 1 else ""


def _on_one_line(match: SeriesMatch) -> SeriesMatch:
    return replace(
        match,
        modality=line(match.modality, most=LONGEST_TEXT),
        description=line(match.description, most=LONGEST_TEXT),
        body_part=line(match.body_part, most=LONGEST_TEXT),
        date=line(match.date, most=LONGEST_TEXT),
        number=line(match.number, most=LONGEST_TEXT),
    )
