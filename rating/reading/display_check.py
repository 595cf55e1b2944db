"""Whether a screen is fit to read on: contrast at eighteen grey levels, the size of an image in millimetres, the room.

The squares are those of AAPM Task Group 270's quick look (doi.org/10.1002/mp.13303): grey levels from 0 to 255 in steps
of 15, each with a corner 5 levels brighter and one 5 levels darker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

LEVELS = tuple(range(0, 256, 15))
CONTRAST = 5
CARD_MM = 53.98  # the short side of a bank card, ISO/IEC 7810 ID-1
CARD_PX = (60, 900)  # what the outline may be set to, in CSS pixels
ROOMS = [("dim", _("Dim")), ("office", _("Office light")), ("bright", _("Daylight")), ("dark", _("Dark"))]


@dataclass(frozen=True, slots=True)
class Square:
    """A grey level with the two it must be told from; at the ends of the scale there is one alone."""

    number: int
    level: int
    brighter: int | None
    darker: int | None


SQUARES = tuple(
    Square(
        number,
        level,
        level + CONTRAST if level + CONTRAST <= 255 else None,
        level - CONTRAST if level >= CONTRAST else None,
    )
    for number, level in enumerate(LEVELS, start=1)
)


class DisplayForm(forms.Form):
    """What the browser measured and the rater saw."""

    width = forms.IntegerField(min_value=0, max_value=100_000, required=False, widget=forms.HiddenInput)
    height = forms.IntegerField(min_value=0, max_value=100_000, required=False, widget=forms.HiddenInput)
    pixel_ratio = forms.FloatField(min_value=0.1, max_value=20, required=False, widget=forms.HiddenInput)
    levels = forms.TypedMultipleChoiceField(
        choices=[(level, str(level)) for level in LEVELS], coerce=int, required=False
    )
    card = forms.FloatField(min_value=CARD_PX[0], max_value=CARD_PX[1], required=False)
    room = forms.ChoiceField(label=_("The light in the room"), choices=ROOMS)

    def save(self, sitting: Sitting) -> None:
        """Keep it with the sitting; one made again, on another screen say, takes its place."""
        sitting.display = {name: value for name, value in self.cleaned_data.items() if value is not None}
        sitting.save(update_fields=["display"])


def is_due(sitting: Sitting) -> bool:
    """Whether the study asks for a check that this sitting has not had."""
    return sitting.enrolment.study.display_check != Study.DisplayCheck.OFF and not sitting.display


def pixel_mm(display: Mapping[str, Any]) -> float | None:
    """The side of a pixel of the screen in millimetres; None where no card was held to it."""
    card, ratio = display.get("card"), display.get("pixel_ratio")
    return CARD_MM / (card * ratio) if card and ratio else None


def checks_of(study: Study) -> list[Sitting]:
    """The sittings of people that count, by rater and session, with a check or without."""
    sittings = Sitting.objects.counted().filter(enrolment__study=study).select_related("enrolment")
    return list(sittings.order_by("enrolment__number", "session"))


def display_sentences(study: Study) -> list[str]:
    """What the checks of a study came to, for its report; empty where none was made."""
    sittings = checks_of(study)
    displays = [sitting.display for sitting in sittings if sitting.display]
    if not displays:
        return []
    sentences = [f"The display was checked in {len(displays)} of {len(sittings)} sittings."]
    looked = [display["levels"] for display in displays if "levels" in display]
    if looked:
        complete = sum(len(levels) == len(LEVELS) for levels in looked)
        sentences.append(
            f"Of the {len(LEVELS)} contrast squares (± {CONTRAST} of 255 grey levels, TG-270) all were seen in {complete} of "
            f"{len(looked)} sittings; the fewest were {min(map(len, looked))}."
        )
    sides = sorted(study.canvas * side for display in displays if (side := pixel_mm(display)) is not None)
    if sides:
        sentences.append(
            f"At one image pixel for one of the screen an image was {median(sides):.0f} mm wide in the median "
            f"({sides[0]:.0f} to {sides[-1]:.0f} mm, by a card held to the screen in {len(sides)})."
        )
    words = {"dim": "dim", "office": "office light", "bright": "daylight", "dark": "dark"}
    rooms = Counter(words.get(display.get("room", ""), "not said") for display in displays)
    sentences.append(f"Light in the room: {', '.join(f'{room} {n}' for room, n in rooms.most_common())}.")
    return sentences
