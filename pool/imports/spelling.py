"""In which encoding names and tables are written that do not say so, judged by what they would spell.

A zip without the UTF-8 flag is in the code page of whoever made it: macOS writes UTF-8 all the same, Windows in
China GBK, in Japan Shift-JIS, in Europe cp437 or cp850, and other tools Windows-1252.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Sequence

CODE_PAGES = ("cp437", "cp1252", "cp932", "gb18030", "cp949", "cp1251", "cp866", "cp850")
LIKELY = 1.0
RUSSIAN = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяё")
COMMON_HANZI = (0xB0, 0xD7)  # first bytes of the characters that GB 2312 counts as common


def spelled(raw: Sequence[bytes]) -> tuple[str, list[str]]:
    """The encoding that fits all of these best, and what they spell in it; ties go to the first of CODE_PAGES."""
    for encoding in ("ascii", "utf-8"):
        try:
            return encoding, [text.decode(encoding) for text in raw]
        except UnicodeDecodeError:
            continue
    odd = [text for text in raw if not text.isascii()]
    best = max(CODE_PAGES, key=lambda encoding: (_likelihood(odd, encoding), -CODE_PAGES.index(encoding)))
    return best, [text.decode(best, "replace") for text in raw]


def _likelihood(raw: Sequence[bytes], encoding: str) -> float:
    """From 0 to 1 how much of what is not ASCII would be letters that go together."""
    try:
        texts = [text.decode(encoding) for text in raw]
    except UnicodeDecodeError:
        return -1.0
    letters = [letter for text in texts for letter in text if not letter.isascii()]
    if not letters:
        return 0.0
    score = sum(_letter(letter, encoding) for letter in letters) / len(letters)
    return score + _mixed(texts) - (_crowded if LETTERS[encoding] is LATIN else _foreign)(texts, len(letters))


def _letter(letter: str, encoding: str) -> float:
    """From 0 to 1 how likely a letter is in a name written in this encoding."""
    return next(
        (
            likely
            for begins, allowed, likely in LETTERS[encoding]
            if _name(letter).startswith(begins) and allowed(letter)
        ),
        0.0,
    )


def _name(letter: str) -> str:
    return unicodedata.name(letter, "")


def _is_word(letter: str) -> bool:
    return unicodedata.category(letter) in {"Ll", "Lu"}


def _is_common(letter: str) -> bool:
    return COMMON_HANZI[0] <= letter.encode("gb18030", "replace")[0] <= COMMON_HANZI[1]


def _any(_letter: str) -> bool:
    return True


LATIN = (("LATIN", _is_word, LIKELY),)
# A run of Cyrillic is read out of almost any bytes; small letters are the rule.
CYRILLIC = (
    ("CYRILLIC SMALL", lambda letter: letter in RUSSIAN, 0.9),
    ("CYRILLIC CAPITAL", lambda letter: letter.lower() in RUSSIAN, 0.3),
)
LETTERS: dict[str, tuple[tuple[str, Callable[[str], bool], float], ...]] = {
    "cp437": LATIN,
    "cp850": LATIN,
    "cp1252": LATIN,
    "cp1251": CYRILLIC,
    "cp866": CYRILLIC,
    "cp932": (("HIRAGANA", _any, LIKELY), ("KATAKANA", _any, LIKELY), ("CJK UNIFIED", _any, 0.85)),
    "cp949": (("HANGUL SYLLABLE", _any, 0.95), ("CJK UNIFIED", _any, 0.2)),
    "gb18030": (("CJK UNIFIED", _is_common, 0.95), ("CJK UNIFIED", _any, 0.4)),
}


def _crowded(texts: Sequence[str], letters: int) -> float:
    """Less likely where three letters with marks follow each other, as words of another script look in Latin."""
    threes = (three for text in texts for three in zip(text, text[1:], text[2:], strict=False))
    return 0.7 * sum(not any(letter.isascii() for letter in three) for three in threes) / letters


def _foreign(texts: Sequence[str], letters: int) -> float:
    """Less likely where a sign of East Asia stands inside a word of plain letters."""
    pairs = (pair for text in texts for pair in itertools.pairwise(text))
    return 0.5 * sum(a.isalpha() and b.isalpha() and a.isascii() != b.isascii() for a, b in pairs) / letters


def _mixed(texts: Sequence[str]) -> float:
    """Less likely where a capital stands inside a word of small letters, as in words of another encoding."""
    wrong = sum(
        before.islower() and after.isupper() and not after.isascii()
        for text in texts
        for before, after in itertools.pairwise(text)
    )
    return -0.2 * wrong
