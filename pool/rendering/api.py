"""Another window for a dataset, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from accounts.api.access import Access
from accounts.api.filling import body_of, filled
from accounts.api.headers import ONCE
from accounts.api.idempotency import once
from accounts.api.types import Key
from accounts.tokens.models import Scope
from pool.imports.api import ImportFacts
from pool.models import Dataset
from pool.rendering.forms import WindowForm

if TYPE_CHECKING:
    Window = Schema
else:
    Window = body_of(WindowForm, "Window")

router = Router(tags=["Datasets"])


@router.post(
    "/datasets/{pk}/windows",
    response={202: ImportFacts},
    auth=Access(Scope.WRITE, "pool.add_image"),
    openapi_extra=ONCE,
)
@once(ImportFacts, 202)
def lay_window(request: HttpRequest, pk: Key, body: Window) -> Any:
    """Show the dataset's kept values under another window, in a new dataset; an import, to be followed."""
    dataset = get_object_or_404(Dataset.objects.editable_by(request.user), pk=pk)
    return filled(WindowForm, body.model_dump(exclude_unset=True), dataset=dataset).submit(by=request.user)
