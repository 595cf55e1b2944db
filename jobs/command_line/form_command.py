"""A command that fills the very form the page shows: what the form refuses, the command refuses in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.management.base import CommandError
from django.db.models import Model
from django.utils.datastructures import MultiValueDict

BAD_ARGUMENT = 2
Form = TypeVar("Form", bound=forms.BaseForm)


def fill(
    kind: type[Form], values: Mapping[str, object], *, title: str, options: Mapping[str, str] | None = None
) -> Form:
    """The valid form of this kind. Raises CommandError with the form's errors, or for a value it has no field for.

    `values` are by field, None and "" for an option that was left out; where the form needs one all the same, it is
    the one the page begins with. `title` names the kind in a sentence; `options` names the option of a field where the
    two are called differently.
    """
    names = dict(options or {})
    blank = kind()
    filled = {name: value for name, value in values.items() if not _is_left_out(value)}
    if foreign := [_option(name, names) for name in filled if name not in blank.fields]:
        raise refusal(f"{title} takes no {' and no '.join(foreign)}.")
    needed = {
        name: blank.get_initial_for_field(field, name)
        for name, field in blank.fields.items()
        if field.required
    }
    data = {**{name: value for name, value in needed.items() if value is not None}, **filled}
    files: dict[str, list[UploadedFile[Any]] | None] = {
        name: [value] for name, value in filled.items() if isinstance(value, SimpleUploadedFile)
    }
    form = kind(data, MultiValueDict(files))
    if not form.is_valid():
        raise refusal(" ".join(_sentences(form, names)))
    return form


def refusal(sentence: str) -> CommandError:
    """What a command raises that was called with bad arguments."""
    return CommandError(sentence, returncode=BAD_ARGUMENT)


def by_option(error: ValidationError, model: type[Model]) -> Iterator[str]:
    """What a row refuses, each by the option it is about, with the values of one that takes only a few."""
    for field, messages in error.message_dict.items():
        words = " ".join(messages)
        if field == NON_FIELD_ERRORS:
            yield words
            continue
        values = [str(value) for value, _ in getattr(model._meta.get_field(field), "choices", None) or ()]
        yield f"{_option(field, {})}: {words}" + (f" Choose of: {', '.join(values)}." if values else "")


def upload(path: Path | None) -> SimpleUploadedFile | None:
    """A file of this machine as the page's upload of it. Raises CommandError."""
    if path is None:
        return None
    try:
        return SimpleUploadedFile(path.name, path.read_bytes())
    except OSError as error:
        raise refusal(f"The file {path} cannot be read ({error.strerror or error}).") from error


def _is_left_out(value: Any) -> bool:
    return value is None or value is False or value in ("", [])


def _option(field: str, names: Mapping[str, str]) -> str:
    return f"--{names.get(field, field).replace('_', '-')}"


def _sentences(form: forms.BaseForm, names: Mapping[str, str]) -> Iterator[str]:
    for field, errors in form.errors.items():
        for error in errors:
            yield str(error) if field == NON_FIELD_ERRORS else f"{_option(field, names)}: {error}"
