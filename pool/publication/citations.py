"""What repositories ask for beside the images: Kaggle's file, CITATION.cff, DataCite's JSON, the card of Hugging Face."""

from __future__ import annotations

import json

from pool.publication.datasheet import copy_words
from pool.publication.facts import ReleaseFacts
from pool.publication.slug import slug_of

NOBODY = "To be filled in by the publisher"
KAGGLE_LICENCES = {
    "CC0-1.0": "CC0-1.0",
    "CC-BY-4.0": "CC-BY-4.0",
    "CC-BY-SA-4.0": "CC-BY-SA-4.0",
    "CC-BY-NC-SA-4.0": "CC-BY-NC-SA-4.0",
    "ODbL-1.0": "ODbL-1.0",
    "PDDL-1.0": "PDDL",
}


def kaggle_json(facts: ReleaseFacts) -> str:
    """dataset-metadata.json; INSERT_USERNAME is Kaggle's own word for what its program fills in."""
    spdx = facts.licence.spdx if facts.licence else ""
    document = {
        "title": facts.dataset.name[:50],
        "id": f"INSERT_USERNAME/{slug_of(facts.dataset.name)}",
        "subtitle": facts.description[:80],
        "description": facts.description,
        "licenses": [{"name": KAGGLE_LICENCES.get(spdx, "other")}],
        "keywords": ["medicine", "image"],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def citation_cff(facts: ReleaseFacts) -> str:
    """CITATION.cff 1.2.0; JSON strings are YAML's too."""
    lines = [
        "cff-version: 1.2.0",
        "message: If you use these images, please cite them.",
        "type: dataset",
        f"title: {json.dumps(facts.dataset.name, ensure_ascii=False)}",
        f"abstract: {json.dumps(facts.description, ensure_ascii=False)}",
        f"authors:\n  - name: {json.dumps(NOBODY)}",
        f"date-released: {facts.date.isoformat()}",
    ]
    if facts.licence:
        lines.append(f"license: {facts.licence.spdx}")
    if facts.dataset.citation:
        lines.append(f"notes: {json.dumps(facts.dataset.citation, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def datacite_json(facts: ReleaseFacts) -> str:
    """DataCite 4.5 as its REST API takes it; the DOI is the repository's to give."""
    rights = {"rights": facts.licence_words}
    if facts.licence:
        rights |= {"rightsUri": facts.licence.address, "rightsIdentifier": facts.licence.spdx}
    document = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Images"},
        "titles": [{"title": facts.dataset.name}],
        "creators": [{"name": NOBODY, "nameType": "Organizational"}],
        "publisher": {"name": NOBODY},
        "publicationYear": facts.date.year,
        "dates": [{"date": facts.date.isoformat(), "dateType": "Issued"}],
        "subjects": [{"subject": word} for word in facts.keywords],
        "rightsList": [rights],
        "descriptions": [{"description": facts.description, "descriptionType": "Abstract"}],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def card(facts: ReleaseFacts) -> str:
    """README.md: Hugging Face's dataset card, and for people what lies where."""
    spdx = facts.licence.spdx.lower() if facts.licence else "other"
    marks = [f"Each image carries marks that say it is generated: {facts.marks}.", copy_words(facts)]
    lines = [
        "---",
        f"pretty_name: {json.dumps(facts.dataset.name, ensure_ascii=False)}",
        f"license: {spdx}",
        "task_categories: [image-classification]",
        f"tags: {json.dumps(facts.keywords, ensure_ascii=False)}",
        "---",
        f"# {facts.dataset.name}",
        "",
        facts.description,
        "",
        *([*marks, ""] if facts.is_synthetic else []),
        f"Licence: {facts.licence_words}.",
        "",
        "| File | What it is |",
        "|---|---|",
        "| metadata.csv | a row an image: finding, split, what made it |",
        "| images/ | the images |",
        "| DATASHEET.md | how the images came to be, and what is not known |",
        "| croissant.json | the same for programs (Croissant 1.0, with responsible-AI fields) |",
        "| CITATION.cff, datacite.json, dataset-metadata.json | for citing, for DataCite, for Kaggle |",
        "| SHA256SUMS | `sha256sum -c SHA256SUMS` checks every file |",
        "",
        f"Fields that say “{NOBODY}” are for whoever publishes this to fill in.",
    ]
    return "\n".join(lines) + "\n"
