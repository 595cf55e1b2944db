"""What a rater is asked of one presentation: the words of the question, and the answers with their keys.

A purpose-blinded session asks nothing that tells that images may be generated; so nothing on its pages, not even in
scripts, may hold the words of the other question. All words of a question stand here, and pages take them from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: what is stored, its word, and the letter that gives it besides its number."""

    value: str
    word: Any
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `explained` is the answer that reasons belong to, empty where none are asked for."""

    legend: Any
    please_choose: Any
    choices: tuple[Choice, ...]
    explained: str = ""

    @property
    def values(self) -> list[str]:
        return [choice.value for choice in self.choices]


REAL_OR_FAKE = Question(
    _("This image is"),
    _("Choose real, fake or unsure."),
    (Choice("real", _("Real"), "R"), Choice("fake", _("Fake"), "F"), Choice("unsure", _("Unsure"), "U")),
    explained="fake",
)
LEFT_OR_RIGHT = (Choice("1", _("Left")), Choice("2", _("Right")))
ONE_OF_FOUR = (
    Choice("1", _("Top left")),
    Choice("2", _("Top right")),
    Choice("3", _("Bottom left")),
    Choice("4", _("Bottom right")),
)
# Of a forced choice, by how many images stand beside each other and which of them is looked for.
WHICH_ONE = {
    (size, sought): Question(words, _("Choose one of the images."), places)
    for size, places in ((2, LEFT_OR_RIGHT), (4, ONE_OF_FOUR))
    for sought, words in (
        ("real", _("Which image is real?")),
        ("fake", _("Which image is fake?")),
    )
}
TIE = "tie"
# Of an arena, by whether neither may be chosen.
MORE_REAL = {
    allows_ties: Question(
        _("Which image looks more real?"),
        _("Choose one of the images, or that both look alike.")
        if allows_ties
        else _("Choose one of the images."),
        (*LEFT_OR_RIGHT, Choice(TIE, _("Both alike"))) if allows_ties else LEFT_OR_RIGHT,
    )
    for allows_ties in (True, False)
}
ANYTHING_UNUSUAL = Question(
    _("This image is"),
    _("Choose usual, unusual or unsure."),
    (Choice("usual", _("Usual")), Choice("unusual", _("Unusual")), Choice("unsure", _("Unsure"), "U")),
)
