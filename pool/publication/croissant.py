"""Croissant 1.0 metadata with the fields of responsible AI: https://docs.mlcommons.org/croissant/docs/croissant-spec.html"""

from __future__ import annotations

import json
from typing import NamedTuple

from pool.publication.datasheet import biases, limitations, personal_information, uses
from pool.publication.facts import ReleaseFacts
from pool.publication.metadata_csv import COLUMNS

CONTEXT: dict[str, object] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
NUMBERS = {"width", "height", "bits", "slices"}
TABLE = "metadata.csv"
FILES = "image-files"


class ZipFacts(NamedTuple):
    """The zip that the files lie in: its name and SHA-256."""

    name: str
    sha256: str


def croissant_json(
    facts: ReleaseFacts,
    *,
    table_sha256: str,
    version: str,
    is_png: bool = True,
    archive: ZipFacts | None = None,
) -> str:
    """croissant.json: what the files are, what is in the table, and what a user has to know before training on them.

    With an archive it describes the files in that zip, beside which it lies; without one, those that lie beside it.
    """
    inside = {"containedIn": {"@id": archive.name}} if archive else {}
    dataset = facts.dataset
    document: dict[str, object] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": dataset.name,
        "description": facts.description,
        "license": facts.licence.address if facts.licence else facts.licence_words,
        "url": "https://example.org/to-be-filled-in-by-the-publisher",
        "creator": {"@type": "sc:Organization", "name": "To be filled in by the publisher"},
        "datePublished": facts.date.isoformat(),
        "dateCreated": f"{dataset.created_at:%Y-%m-%d}",
        "version": version,
        "keywords": facts.keywords,
        "isLiveDataset": False,
        "inLanguage": "en",
        "citeAs": dataset.citation or f"{dataset.name} ({facts.date.year}).",
        "distribution": [
            *([_zip_object(archive)] if archive else []),
            {
                "@type": "cr:FileObject",
                "@id": TABLE,
                "name": TABLE,
                "contentUrl": TABLE,
                "encodingFormat": "text/csv",
                "sha256": table_sha256,
                **inside,
            },
            {
                "@type": "cr:FileSet",
                "@id": FILES,
                "name": FILES,
                "description": "The images; the table names each by file_name.",
                "encodingFormat": "image/png" if is_png else "application/dicom",
                "includes": f"images/*.{'png' if is_png else 'dcm'}",
                **inside,
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "images",
                "name": "images",
                "description": "One record an image; file_name leads to its file.",
                "key": {"@id": "images/file_name"},
                "field": [_field(name, words) for name, words in COLUMNS.items()],
            }
        ],
        **_responsible(facts),
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _zip_object(archive: ZipFacts) -> dict[str, object]:
    return {
        "@type": "cr:FileObject",
        "@id": archive.name,
        "name": archive.name,
        "contentUrl": archive.name,
        "encodingFormat": "application/zip",
        "sha256": archive.sha256,
    }


def _field(name: str, words: str) -> dict[str, object]:
    return {
        "@type": "cr:Field",
        "@id": f"images/{name}",
        "name": name,
        "description": words,
        "dataType": "sc:Integer" if name in NUMBERS else "sc:Text",
        "source": {"fileObject": {"@id": TABLE}, "extract": {"column": name}},
    }


def _responsible(facts: ReleaseFacts) -> dict[str, object]:
    makers = ", ".join(facts.makers)
    how = f"Generated by {makers}" if facts.is_synthetic else "Acquired from patients"
    return {
        "rai:dataLimitations": limitations(facts),
        "rai:dataBiases": biases(facts),
        "rai:personalSensitiveInformation": personal_information(facts),
        "rai:dataUseCases": uses(facts),
        "rai:dataSocialImpact": "To be written by a person: who may be helped or harmed by what is made of these images.",
        "rai:hasSyntheticData": facts.is_synthetic,
        "rai:dataCollection": f"{how}; brought into one pixel form by LungRater.",
        "rai:dataPreprocessingProtocol": [
            "Each image was decoded, turned to grey unless colour is its finding, and written again without any header."
        ],
        "prov:wasGeneratedBy": {"@type": "prov:Activity", "name": how},
    }
