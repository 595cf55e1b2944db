"""The declared result as a table of names and values, which a script without a reader of JSON can compare with."""

from __future__ import annotations

from rating.results.study_results import StudyResults

HEAD = "name,value\r\n"


def primary_lines(results: StudyResults) -> list[str]:
    """The lines of primary.csv; numbers with all their digits, empty where there is none. Of a blinded study the head alone."""
    primary = results.primary
    if primary is None:
        return [HEAD]
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
    return [HEAD, *(f"{name},{value}\r\n" for name, value in values.items())]
