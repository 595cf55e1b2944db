"""Second questions: what a study asks of each image beside its label, a diagnosis or the quality of the image say.

A study declares them in its protocol, so they are fixed with the freeze. Structured answers are stored by a question's
short code; free text apart from them, as a text may be redacted and a choice never is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")
MOST_QUESTIONS = 8
MOST_CHOICES = 20
LONGEST_WORDS = 200
LONGEST_TEXT = 1000
STEPS = range(2, 10)  # a scale has a digit's key for each step
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

SecondAnswer = str | list[str] | int | float


class Kind(models.TextChoices):
    CHOICE = "choice", "One of several"
    MULTIPLE = "multiple", "Any of several"
    SCALE = "scale", "A scale from 1"
    NUMBER = "number", "A number"
    TEXT = "text", "Free text"


@dataclass(frozen=True, slots=True)
class SecondQuestion:
    """One question; `sessions` are those that ask it, all where it is empty.

    after: it shows once the image has its label. is_diagnosis: the choices are findings as the datasets name them, so an
    answer is right where it is the image's own finding.
    """

    code: str
    words: str
    kind: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    steps: int = 5
    least: float | None = None
    most: float | None = None
    required: bool = False
    after: bool = False
    is_diagnosis: bool = False
    sessions: tuple[int, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.kind == Kind.TEXT

    @property
    def scale(self) -> range:
        return range(1, self.steps + 1)

    @property
    def kind_words(self) -> str:
        """What may be answered, in words."""
        if self.kind in {Kind.CHOICE, Kind.MULTIPLE}:
            return f"{Kind(self.kind).label.lower()}: {', '.join(self.choices)}"
        if self.kind == Kind.SCALE:
            return f"a scale from 1 to {self.steps}"
        return str(Kind(self.kind).label).lower()

    def is_asked_in(self, session: int) -> bool:
        return not self.sessions or session in self.sessions

    def is_right(self, answer: object, finding: str) -> bool:
        """Whether a diagnosis is the image's own finding."""
        return str(answer).strip().casefold() == finding.strip().casefold()


NAMES = tuple(each.name for each in fields(SecondQuestion))


def second_questions(stored: Iterable[Mapping[str, Any]]) -> list[SecondQuestion]:
    """The questions of a protocol, as it stores them."""
    lists = ("choices", "sessions")
    return [
        SecondQuestion(**{**each, **{name: tuple(each[name]) for name in lists if name in each}})
        for each in stored
    ]


def checked(stored: object) -> list[dict[str, object]]:
    """The same as a protocol stores them: whole, and without what a kind has no use for. Raises ValidationError."""
    if not isinstance(stored, list) or not all(isinstance(each, Mapping) for each in stored):
        raise ValidationError("Second questions are a list, each with its code, words and kind.")
    if len(stored) > MOST_QUESTIONS:
        raise ValidationError(f"A study asks at most {MOST_QUESTIONS} second questions of each image.")
    questions = [_checked(each) for each in stored]
    codes = [question.code for question in questions]
    if twice := next((code for code in codes if codes.count(code) > 1), None):
        raise ValidationError(f"Two second questions have the code “{twice}”.")
    return [json.loads(json.dumps(asdict(question))) for question in questions]


def in_words_of(stored: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each question, with what may be answered and when; also of some that are not checked yet."""
    try:
        questions = second_questions(checked(list(stored)))
    except ValidationError:
        return [str(each.get("words", "")) for each in stored if isinstance(each, Mapping)]
    return [
        f"{each.code}: {each.words} ({each.kind_words}; {'required' if each.required else 'may stay empty'}; shown "
        f"{'after' if each.after else 'beside'} the label"
        f"{'; a diagnosis' if each.is_diagnosis else ''}"
        f"{'; session ' + ', '.join(map(str, each.sessions)) if each.sessions else ''})"
        for each in questions
    ]


def _checked(stored: Mapping[str, Any]) -> SecondQuestion:
    if foreign := sorted(set(stored) - set(NAMES)):
        raise ValidationError(f"A second question has no “{foreign[0]}”.")
    code, words, kind = (_line(stored.get(name)) for name in ("code", "words", "kind"))
    where = f"Second question “{code or words}”:"
    if not CODE.fullmatch(code):
        raise ValidationError(
            f"{where} its code names a column, so it has small letters, digits and _, and begins with a letter."
        )
    if not words:
        raise ValidationError(f"{where} write what is asked.")
    if kind not in Kind.values:
        raise ValidationError(f"{where} its kind is one of {', '.join(Kind.values)}.")
    least, most = (
        _number(stored.get(name), where) if kind == Kind.NUMBER else None for name in ("least", "most")
    )
    if least is not None and most is not None and least >= most:
        raise ValidationError(f"{where} the least number is below the most.")
    is_diagnosis = _flag(stored.get("is_diagnosis"), where)
    if is_diagnosis and kind != Kind.CHOICE:
        raise ValidationError(f"{where} only one of several choices can be held against the image's finding.")
    return SecondQuestion(
        code,
        words,
        kind,
        hint=_line(stored.get("hint")),
        choices=_choices(stored.get("choices"), where) if kind in {Kind.CHOICE, Kind.MULTIPLE} else (),
        steps=_steps(stored.get("steps"), where) if kind == Kind.SCALE else 5,
        least=least,
        most=most,
        required=_flag(stored.get("required"), where),
        after=_flag(stored.get("after"), where),
        is_diagnosis=is_diagnosis,
        sessions=_sessions(stored.get("sessions"), where),
    )


def _line(value: object) -> str:
    if not isinstance(value, str | int | float | None):
        raise ValidationError("Words of a second question are text.")
    text = "" if value is None else " ".join(str(value).split())
    if len(text) > LONGEST_WORDS or UNPRINTABLE.search(text):
        raise ValidationError(f"Words of a second question are one line of at most {LONGEST_WORDS} letters.")
    return text


def _flag(value: object, where: str) -> bool:
    if value not in {None, True, False}:
        raise ValidationError(f"{where} required, after and is_diagnosis are true or false.")
    return bool(value)


def _choices(value: object, where: str) -> tuple[str, ...]:
    choices = tuple(filter(None, map(_line, value))) if isinstance(value, list | tuple) else ()
    if not 2 <= len(choices) <= MOST_CHOICES or len(set(choices)) < len(choices):
        raise ValidationError(f"{where} give two to {MOST_CHOICES} different choices.")
    if any(";" in choice for choice in choices):
        raise ValidationError(f"{where} a choice has no semicolon in it, which parts answers in the table.")
    return choices


def _steps(value: object, where: str) -> int:
    if value is None:
        return 5
    if isinstance(value, bool) or not isinstance(value, int) or value not in STEPS:
        raise ValidationError(f"{where} a scale has {STEPS[0]} to {STEPS[-1]} steps.")
    return value


def _number(value: object, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise ValidationError(f"{where} least and most are numbers.")
    return float(value)


def _sessions(value: object, where: str) -> tuple[int, ...]:
    numbers = value if isinstance(value, list | tuple) else () if value is None else None
    if numbers is None or not all(type(number) is int and 1 <= number <= 5 for number in numbers):
        raise ValidationError(f"{where} sessions are numbers from 1.")
    return tuple(sorted(set(numbers)))
