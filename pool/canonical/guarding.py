"""Text cells that no spreadsheet runs."""

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
SKIPPED_BY_SPREADSHEETS = " \t\r\n\0\v\f"


def guarded(text: str) -> str:
    """The text with an apostrophe before anything a spreadsheet would run as a formula."""
    text = text.replace("\0", "")
    starts_badly = text.lstrip(SKIPPED_BY_SPREADSHEETS).startswith(RUN_BY_SPREADSHEETS)
    return f"'{text}" if starts_badly or text[:1] in {"\t", "\r", "\n", "'"} else text
