"""What the audit says of a planted leak, noted for the table that is printed at the end."""

from __future__ import annotations

from rating.blinding.findings import Finding
from rating.models import BlindingAudit

VERDICTS: list[tuple[str, str, str, str]] = []


def told(audit: BlindingAudit, leak: str, check: str = "") -> str:
    """The verdict of the named check, or of the whole audit, put into the table."""
    finding = next((finding for finding in audit.findings if finding["check"] == check), None)
    verdict = str(finding["verdict"] if finding else audit.verdict)
    VERDICTS.append((leak, verdict, check, finding["reason"] if finding else ""))
    if verdict != "green" and finding:
        assert finding["remedy"]
        assert finding["reason"].endswith(".")
    return verdict


def noted(finding: Finding, leak: str) -> str:
    """The verdict of a check that was asked by itself, put into the table."""
    VERDICTS.append((leak, str(finding.verdict), finding.check, finding.reason))
    return str(finding.verdict)


def others(audit: BlindingAudit, *checks: str) -> set[str]:
    """The colours of all other checks; unknown for want of images counts as green, as pools here are small."""
    return {
        "green" if finding["verdict"] == "unknown" and finding["power"] else finding["verdict"]
        for finding in audit.findings
        if finding["check"] not in checks
    }
