"""What a rater's browser tells of a stack: how long each slice was looked at, kept in the view state of each save."""

from __future__ import annotations

from collections.abc import Mapping

from rating.studies.study import Study

SLICE_MS = "slice_ms"
LONGEST_MS = 10**9


def clean_slice_times(view_state: dict[str, object], study: Study) -> dict[str, object]:
    """The view state with a time for each slice of the study, or without any: nonsense must not cost the answer."""
    times = view_state.pop(SLICE_MS, None)
    if (
        study.slices > 1
        and isinstance(times, list)
        and len(times) == study.slices
        and all(map(_is_time, times))
    ):
        view_state[SLICE_MS] = times
    return view_state


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LONGEST_MS


def slice_times(view_state: Mapping[str, object]) -> list[int] | None:
    """Milliseconds of each slice, 0 for those never shown; None where nothing was measured."""
    times = view_state.get(SLICE_MS)
    return [int(time) for time in times] if isinstance(times, list) else None
