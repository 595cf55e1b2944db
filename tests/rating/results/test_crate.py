"""A bundle is an RO-Crate 1.1: another program reads it back, and what the specification demands is there."""

import hashlib
import io
import json
import zipfile

import pytest
from rocrate.rocrate import ROCrate

from tests.rating.bundles import bundle
from tests.rating.cast import over_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(rater, tmp_path):
    content = bundle(over_study("Lungs, “odd” & real", raters=[rater]), "2026-01-31", with_images=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_another_program_reads_the_crate_and_finds_every_file_it_names(folder):
    crate = ROCrate(str(folder))

    assert crate.name == "Lungs, “odd” & real"
    files = {entity.id: entity for entity in crate.get_entities() if entity.type == "File"}
    described = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(files) == described - {"ro-crate-metadata.json", "SHA256SUMS"}
    for name, entity in files.items():
        content = (folder / name).read_bytes()
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert entity["contentSize"] == str(len(content))


def test_the_crate_keeps_the_rules_of_the_specification(folder):
    """https://www.researchobject.org/ro-crate/specification/1.1: what it says an RO-Crate MUST have."""
    document = json.loads((folder / "ro-crate-metadata.json").read_text())
    graph = {entity["@id"]: entity for entity in document["@graph"]}
    descriptor, root = graph["ro-crate-metadata.json"], graph["./"]

    assert document["@context"] == "https://w3id.org/ro/crate/1.1/context"
    assert len(graph) == len(document["@graph"])  # each @id once
    assert all(entity["@type"] for entity in graph.values())
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    assert root["@type"] == "Dataset"
    for name in ("name", "description", "datePublished", "license"):
        assert root[name]
    parts = {part["@id"] for part in root["hasPart"]}
    data = {key for key, entity in graph.items() if entity["@type"] == "File"}
    assert parts == data
    assert all(not key.startswith(("/", "./")) and " " not in key for key in data)
    references = {entity["license"]["@id"] for entity in graph.values() if "license" in entity}
    assert references <= set(graph)


def test_the_readme_says_what_is_left_out(folder):
    words = (folder / "README.txt").read_text()

    left_out = words.split("What is left out:")[1]
    assert "names and addresses of people" in left_out
    assert "which images are real" in left_out
    assert "images that no gallery begins with" not in left_out
