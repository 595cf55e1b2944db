"""A bundle as an RO-Crate 1.1 (https://w3id.org/ro/crate/1.1): each file described where programs look for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from pool.storage.measured_zip import Member
from rating.studies.study import Study

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
CONFORMS_TO = "https://w3id.org/ro/crate/1.1"
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
}
MEANINGS = {
    "ratings.csv": "One row per presentation that counts",
    "ratings.json": "The ratings without loss",
    "ratings.parquet": "The ratings with the types of their columns",
    "machines.csv": "The machines' answers",
    "codebook.csv": "What the columns of the ratings mean",
    "raters.csv": "Profile of each rater, by pseudonym",
    "displays.csv": "The display check of each sitting",
    "remarks.csv": "What raters wrote",
    "usability.csv": "What each rater answered to the System Usability Scale",
    "sequences.csv": "Seed and digest of every order",
    "log.csv": "The study's log, chained",
    "revisions.csv": "Every save of every rating, chained",
    "numbers.json": "Every number of the report",
    "primary.csv": "The declared primary result",
    "galleries.csv": "The images of each gallery",
    "report.html": "The report",
    "report.pdf": "The report, for paper",
    "manifest.json": "Protocol, images, and what each file holds",
}

Entity = dict[str, object]  # of the graph, as JSON-LD has it


def crate_json(study: Study, date: str, members: Sequence[Member]) -> str:
    """ro-crate-metadata.json for these files."""
    files = [_file(member) for member in sorted(members, key=lambda each: each.name)]
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": study.name,
        "description": f"What LungRater exports of the study “{study.name}”, a reading of real and generated images by "
        f"blinded raters ({study.state}).",
        "datePublished": date,
        "license": {"@id": "#licence"},
        "hasPart": [{"@id": file["@id"]} for file in files],
    }
    descriptor: Entity = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": CONFORMS_TO},
        "about": {"@id": "./"},
    }
    licence: Entity = {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "No licence is granted by this file",
        "description": "Who may use these data, and how, is for those to say who ran the study; the licences of the "
        "images are those of their datasets.",
    }
    graph = [descriptor, root, licence, *files]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, ensure_ascii=False, indent=1)


def _file(member: Member) -> Entity:
    facts: Entity = {
        "@id": quote(member.name),
        "@type": "File",
        "name": member.name,
        "contentSize": str(member.size),
        "sha256": member.sha256,
        "encodingFormat": FORMATS.get(member.name[member.name.rfind(".") :], "text/plain"),
    }
    return facts | ({"description": MEANINGS[member.name]} if member.name in MEANINGS else {})
