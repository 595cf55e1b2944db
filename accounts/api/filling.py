"""A page's form filled by a program: its fields as a typed body, its checks and sentences as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict
from ninja import Schema
from pydantic import Field, create_model

from accounts.api.problems import not_valid

Form = TypeVar("Form", bound=forms.BaseForm)
Files = MultiValueDict[str, Any]
# The nearer kind of field before the wider one.
TYPES: dict[Any, Any] = {
    forms.ModelMultipleChoiceField: list[int],
    forms.MultipleChoiceField: list[str],
    forms.ModelChoiceField: int,
    forms.JSONField: list[dict[str, object]],
    forms.BooleanField: bool,
    (forms.FloatField, forms.DecimalField): float,
    forms.IntegerField: int,
}


def filled(
    make: Callable[..., Form], values: Mapping[str, object], files: Files | None = None, **how: Any
) -> Form:
    """The valid form; what the program leaves out is as the page shows it first, null is left empty. Raises ProblemError, 422.

    A file comes as an upload, or as the text of it in the field's place.
    """
    blank = make(None, None, **how)
    initial = {
        name: value
        for name, field in blank.fields.items()
        if (value := blank.get_initial_for_field(field, name)) is not None and value is not False
    }
    data = {**initial, **{name: "" if value is None else value for name, value in values.items()}}
    uploads: Files = files.copy() if files is not None else MultiValueDict()
    for name, field in blank.fields.items():
        if isinstance(field, forms.FileField) and isinstance(text := data.pop(name, None), str) and text:
            uploads[name] = SimpleUploadedFile(name, text.encode())
    form = make(data, uploads, **how)
    if not form.is_valid():
        raise not_valid(form)
    return form


def body_of(
    form: type[forms.Form] | type[forms.ModelForm[Any]],
    name: str,
    *,
    without: Collection[str] = (),
    **more: Any,
) -> type[Schema]:
    """The type of the JSON body that fills this form. What is required, and the sentences, the form says itself."""
    fields: dict[str, Any] = {
        field_name: (json_type(field) | None, Field(None, description=_description(field)))
        for field_name, field in form.base_fields.items()
        if field_name not in without
    }
    schema: type[Schema] = create_model(name, __base__=Schema, **fields, **more)
    return schema


def json_type(field: forms.Field) -> Any:
    if isinstance(field, forms.TypedChoiceField) and _has_numbers(field):
        return int
    return next((kind for fields, kind in TYPES.items() if isinstance(field, fields)), str)


def _has_numbers(field: forms.TypedChoiceField) -> bool:
    choices: Any = field.choices
    values = [value for value, _label in choices if value not in (None, "")]
    return bool(values) and all(isinstance(value, int) for value in values)


def _description(field: forms.Field) -> str:
    parts = [str(part).strip() for part in (field.label, field.help_text) if part]
    return " ".join([*parts, "The text of the file."] if isinstance(field, forms.FileField) else parts)
