"""The client's types and methods are those of the document."""

from __future__ import annotations

import pytest

from bench.client_code import files
from lungrater.client.operations import Operations
from pool.models import Dataset
from tests.api.test_client import one_connection, site_of
from tests.api.test_permissions import operations
from tests.factories import make_image

__all__ = ["one_connection"]


def test_the_generated_code_is_as_the_document_makes_it():
    """`python -m bench.client_code --write` renews it."""
    assert [str(path) for path, text in files().items() if path.read_text() != text] == []


def test_every_operation_has_its_method():
    assert {name for name, _method, _path, _operation in operations()} <= vars(Operations).keys()


@pytest.mark.django_db
@pytest.mark.usefixtures("one_connection")
def test_a_typed_method_does_what_its_operation_does(researcher):
    """A list by pages, a create, a change, a file and an act without an answer."""
    site = site_of(researcher).operations

    dataset = site.create_dataset({"name": "A", "origin": "real", "modality": "ct"})
    changed = site.change_dataset(dataset["id"], {"licence": "CC0"})
    image = make_image(Dataset.objects.get(pk=dataset["id"]))
    listed = [row["id"] for row in site.list_images(dataset=dataset["id"])]
    png = site.get_image_file(str(image.pk))
    key = str(image.pk)
    image.delete()
    site.remove_dataset(dataset["id"], {"confirm": "A"})

    assert (changed["name"], changed["licence"]) == ("A", "CC0")
    assert listed == [key]
    assert png.startswith(b"\x89PNG")
    assert not Dataset.objects.exists()
