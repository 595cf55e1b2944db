"""What the audit said of each planted leak, printed as a table when the tests are through."""

from __future__ import annotations

from _pytest.terminal import TerminalReporter

PROPERTY = "verdicts"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    # Tests may run in several processes; what a test records comes back with its report.
    rows = [
        row
        for report in terminalreporter.stats.get("", [])
        if report.when == "teardown"
        for name, verdicts in report.user_properties
        if name == PROPERTY
        for row in verdicts
    ]
    if rows:
        terminalreporter.section("planted leaks")
        terminalreporter.line("Planted leak                         verdict  check, and what it says")
    for leak, verdict, check, reason in rows:
        terminalreporter.line(f"{leak:<36} {verdict:<8} {check}: {reason[:110]}".rstrip(" :"))
