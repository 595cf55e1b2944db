"""A form's choices narrowed to what one person may use; a command's form is not narrowed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol, TypeVar, runtime_checkable

from django import forms


@runtime_checkable
class OfPerson(Protocol):
    """Rows that can be narrowed to one person's."""

    def visible_to(self, person: Any) -> Any: ...

    def editable_by(self, person: Any) -> Any: ...


@runtime_checkable
class NarrowedForm(Protocol):
    """A form that has choices of its own to narrow, which are no field of rows."""

    def narrow_to(self, person: Any) -> None: ...


Form = TypeVar("Form", bound=forms.BaseForm)


def for_person(form: Form, person: Any, *, changes: Collection[str] = ()) -> Form:
    """The same form, offering of datasets, models and the like only those this person sees.

    changes: the fields that name what is changed, which takes an editor.
    """
    for name, field in form.fields.items():
        rows = getattr(field, "queryset", None)
        if isinstance(field, forms.ModelChoiceField) and isinstance(rows, OfPerson):
            field.queryset = rows.editable_by(person) if name in changes else rows.visible_to(person)
    if isinstance(form, NarrowedForm):
        form.narrow_to(person)
    return form
