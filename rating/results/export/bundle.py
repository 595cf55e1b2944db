"""Everything of a study in one zip: data, codebook, manifest, seeds, report, and a script that checks the numbers."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from pool.canonical.typed_json import as_json
from rating.results.build_report import exhibit_drawer, report_on, results_of
from rating.results.cache import ResultCache
from rating.results.export.galleries import galleries_csv, gallery_images
from rating.results.export.imrmc import imrmc_lines
from rating.results.export.log import log_files
from rating.results.export.primary_csv import primary_lines
from rating.results.export.ratings_csv import codebook_lines, csv_lines, rating_facts
from rating.results.query import machine_names
from rating.results.report.contents import Report
from rating.results.report.html import as_html
from rating.results.report.pdf import as_pdf
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

SCRIPTS = ("recompute.py", "recompute.R", "recompute_log.py")
EARLIEST = (1980, 1, 1, 0, 0, 0)
README = """{name}: what LungRater exports of a study

ratings.csv       one row per presentation that counts; codebook.csv explains the columns; of several sessions
                  `lungrater agreement ratings.csv --session N` reads one
ratings.json      the same without loss
numbers.json      every number of the report with its interval or the reason why there is none
report.html/.pdf  the report
galleries.csv     the images of each gallery with every label and remark; the first of each lie in images/,
                  and images/LOST.txt names those whose file is lost, if there are any
manifest.json     protocol, images with their sha256, raters of whom no session counts
sequences.csv     the seed and the digest of every order
imrmc.imrmc       input of the FDA's iMRMC (unblinded studies with both kinds of image; there is none of one kind). Where not
                  everybody read everything, the variances in numbers.json are the centred ones, never negative where iMRMC's can be
machines.csv      the machines' answers, where any was enrolled; in no other file but the report's tables of machines
recompute.py      recomputes the primary result with its interval, and the main numbers, with numpy alone: python recompute.py
recompute.R       recomputes the primary result with its interval from primary.csv, in base R: Rscript recompute.R
log.csv           the study's log, each row chained to the one before by SHA-256; who acted by uuid
revisions.csv     every save of every rating, chained likewise for each sitting
recompute_log.py  recomputes both chains: python recompute_log.py
"""


def bundle(study: Study, date: str) -> bytes:
    """The zip of a study that is over; the same study on the same date gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(study, date).items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def ratings_json(study: Study) -> str:
    """The lossless twin of the ratings CSV."""
    return json.dumps(
        {"study": study.name, "ratings": list(rating_facts(study))}, ensure_ascii=False, indent=1
    )


def _files(study: Study, date: str) -> dict[str, bytes]:
    cache = ResultCache(study)
    results = results_of(study, cache)
    report: Report = report_on(study, results, date, cache)
    draw_exhibit = exhibit_drawer(cache, results)
    files = {
        "README.txt": README.format(name=study.name),
        "ratings.csv": "".join(csv_lines(study)),
        "ratings.json": ratings_json(study),
        "codebook.csv": "".join(codebook_lines(study)),
        "numbers.json": json.dumps(as_json(results), ensure_ascii=False, indent=1, allow_nan=False),
        "manifest.json": json.dumps(_manifest(study), ensure_ascii=False, indent=1, default=str),
        "sequences.csv": "".join(_sequences(study)),
        "galleries.csv": galleries_csv(study, cache),
        "primary.csv": "".join(primary_lines(results)),
        **{name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SCRIPTS},
        **log_files(study),
    }
    if study.enrolments.exclude(machine="").exists():
        files["machines.csv"] = "".join(csv_lines(study, machines=True))
    columns = cache.columns()
    if columns.truth_is_known and not study.shows_sets and len(set(columns.truth)) > 1:
        files["imrmc.imrmc"] = "".join(imrmc_lines(columns, study.name))
    contents = {name: text.encode() for name, text in files.items()}
    contents |= {"report.html": as_html(report, draw_exhibit), "report.pdf": as_pdf(report, draw_exhibit)}
    contents |= gallery_images(study, cache)
    digests = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items())
    )
    return {**contents, "SHA256SUMS": digests.encode()}


def _manifest(study: Study) -> dict[str, Any]:
    unblinded = study.is_unblinded
    images = study.images.select_related("image__dataset").order_by("code")
    counted = Sitting.objects.counted().filter(enrolment__study=study)
    of_none = study.enrolments.people().exclude(sittings__in=counted).order_by("number")
    return {
        "study": study.name,
        "state": study.state,
        "protocol": study.protocol(),
        "order_version": study.order_version,
        "manifest_sha256": study.manifest_sha256,
        "machines": machine_names(study),
        "left_out": [str(rater) for rater in of_none],
        "images": [
            {
                "image": image.code,
                "role": image.role,
                "derivative_sha256": image.derivative_sha256,
                **(
                    {
                        "origin": image.image.origin,
                        "dataset": image.image.dataset.name,
                        "provenance": image.image.provenance,
                    }
                    if unblinded
                    else {}
                ),
            }
            for image in images
        ],
    }


def _sequences(study: Study) -> list[str]:
    sittings = Sitting.objects.filter(enrolment__study=study).select_related("enrolment")
    ordered = sittings.order_by("enrolment__number", "session", "attempt")
    lines = ["rater,session,attempt,seed,order_version,order_sha256,counts\r\n"]
    for sitting in ordered:
        valid = (
            sitting.reset_at is None
            and sitting.unblinded_at is None
            and sitting.enrolment.withdrawn_at is None
        )
        counts = valid and not sitting.enrolment.machine
        lines.append(
            f"{sitting.enrolment.pseudonym},{sitting.session},{sitting.attempt},{sitting.seed},{sitting.order_version},{sitting.order_sha256},{int(counts)}\r\n"
        )
    return lines
