"""The declared result as a table of names and values, which a script without a reader of JSON can compare with."""

from __future__ import annotations

from rating.results.study_results import StudyResults


def primary_lines(results: StudyResults) -> list[str]:
    """The lines of primary.csv; numbers with all their digits, empty where there is none."""
    primary = results.primary
    if primary is None:
        return []
    low, high = primary.estimate.ci or (None, None)
    facts = {
        "endpoint": primary.endpoint,
        "policy": results.policy,
        "session": results.session,
        "method": f'"{primary.method}"',
        "estimate": primary.estimate.estimate,
        "se": primary.estimate.se,
        "low": low,
        "high": high,
    }
    values = {name: "" if value is None else value for name, value in facts.items()}
    return ["name,value\r\n", *(f"{name},{value}\r\n" for name, value in values.items())]
