"""A page's form filled by a program, offering of the pool what the program's person sees."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django import forms

from accounts.api.filling import filled
from pool.choices import for_person

Form = TypeVar("Form", bound=forms.BaseForm)


def filled_by(person: Any, form: Callable[..., Form], body: Any, *, changes: Collection[str] = ()) -> Form:
    """The valid form of this body; `changes` as of `for_person`. Raises ProblemError, 422."""

    def make(data: Any, files: Any) -> Form:
        return for_person(form(data, files), person, changes=changes)

    return filled(make, body.model_dump(exclude_unset=True))
