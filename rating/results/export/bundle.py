"""Everything of a study in one zip: data, codebook, manifest, seeds, report, and a script that checks the numbers."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.snapshot import in_pages
from pool.canonical.typed_json import as_json
from pool.storage.measured_zip import MeasuredZip
from pool.storage.stored_files import LostFileError, stored_bytes
from rating.results.build_report import exhibit_drawer, report_on, results_of
from rating.results.cache import ResultCache
from rating.results.export.crate import crate_json
from rating.results.export.displays_csv import display_lines
from rating.results.export.galleries import LOST, galleries_csv, gallery_codes
from rating.results.export.imrmc import imrmc_lines
from rating.results.export.log import event_lines, revision_lines
from rating.results.export.parquet import has_parquet, write_parquet
from rating.results.export.primary_csv import primary_lines
from rating.results.export.raters_csv import rater_lines
from rating.results.export.rating_rows import row_count
from rating.results.export.ratings_csv import codebook_lines, csv_lines, json_lines
from rating.results.export.readme import readme_of
from rating.results.export.remarks_csv import remark_lines
from rating.results.export.study_manifest import manifest_of, sequence_lines
from rating.results.export.usability_csv import usability_lines
from rating.results.report.html import as_html
from rating.results.report.pdf import as_pdf
from rating.studies.study import Study

SCRIPTS = ("recompute.py", "recompute.R", "recompute_log.py")
Pulse = Callable[[str], object]


def write_bundle(
    study: Study, date: str, path: Path, *, with_images: bool = False, pulse: Pulse | None = None
) -> None:
    """Write the zip of a study that is over; the same study on the same date gives the same bytes.

    Call it in one snapshot. `pulse` hears the name of each file before it is written.
    """
    with contextlib.closing(MeasuredZip(path)) as archive:
        bundle = Bundle(study, date, archive, pulse or (lambda _name: None))
        bundle.add_data()
        bundle.add_report()
        bundle.add_trail()
        bundle.add_images(with_images=with_images)
        bundle.add_manifests(with_images=with_images)


class Bundle:
    """What lies in the zip, part by part."""

    def __init__(self, study: Study, date: str, archive: MeasuredZip, pulse: Pulse) -> None:
        self.study, self.date, self.archive, self.pulse = study, date, archive, pulse
        self.cache = ResultCache(study)

    def add_data(self) -> None:
        """Ratings, raters, remarks and orders, each streamed from the database."""
        study = self.study
        rows = row_count(study)
        self._begin("ratings.csv").add_lines("ratings.csv", csv_lines(study), rows=rows)
        self._begin("ratings.json").add_lines("ratings.json", json_lines(study), rows=rows)
        if has_parquet():
            with tempfile.TemporaryDirectory() as folder:
                table = Path(folder) / "ratings.parquet"
                self.pulse(table.name)
                rows = write_parquet(study, table)
                self.archive.add_file(table.name, table, rows=rows)
        if study.enrolments.exclude(machine="").exists():
            rows = row_count(study, machines=True)
            self._begin("machines.csv").add_lines("machines.csv", csv_lines(study, machines=True), rows=rows)
        tables: dict[str, Callable[[], Iterator[str]]] = {
            "codebook.csv": lambda: codebook_lines(study),
            "raters.csv": lambda: rater_lines(study),
            "displays.csv": lambda: display_lines(study),
            "remarks.csv": lambda: remark_lines(study),
            "sequences.csv": lambda: sequence_lines(study),
        }
        if study.ask_usability:
            tables["usability.csv"] = lambda: usability_lines(study)
        for name, lines in tables.items():
            self._begin(name).add_table(name, lines())

    def add_trail(self) -> None:
        """The log and every save, each with its chain."""
        self._begin("log.csv").add_table("log.csv", event_lines(self.study.events))
        self._begin("revisions.csv").add_table("revisions.csv", revision_lines(self.study))

    def add_report(self) -> None:
        """The numbers, the report in both forms, and what other programs compute from."""
        study, cache = self.study, self.cache
        self.pulse("numbers.json")
        results = results_of(study, cache)
        columns = cache.columns()
        numbers = json.dumps(as_json(results), ensure_ascii=False, indent=1, allow_nan=False)
        self.archive.add_text("numbers.json", numbers)
        self.archive.add_table("primary.csv", iter(primary_lines(results)))
        self.archive.add_text("galleries.csv", galleries_csv(study, cache))
        for name in SCRIPTS:
            self.archive.add_text(name, Path(__file__).with_name(name).read_text(encoding="utf-8"))
        if columns.truth_is_known and not study.shows_sets and len(set(columns.truth)) > 1:
            self._begin("imrmc.imrmc").add_lines("imrmc.imrmc", imrmc_lines(study))
        report = report_on(study, results, self.date, cache)
        draw_exhibit = exhibit_drawer(cache, results)
        self._begin("report.html").add("report.html", [as_html(report, draw_exhibit)])
        self._begin("report.pdf").add("report.pdf", [as_pdf(report, draw_exhibit)])

    def add_images(self, *, with_images: bool) -> None:
        """Derivatives as raters saw them, one at a time; of stacks every slice; those whose file is lost by name."""
        images = self.study.images.all()
        if not with_images:
            images = images.filter(code__in=gallery_codes(self.study, self.cache))
        lost: list[str] = []
        for image in in_pages(
            images.only("code", "derivative").prefetch_related("other_slices"), "code", size=200
        ):
            rows = {image.code: image.derivative}
            for row in image.other_slices.all():
                rows[f"{image.code}-slice-{row.number}"] = row.derivative
            for name, file in rows.items():
                try:
                    content = stored_bytes(file, f"image {name}")
                except LostFileError:
                    lost.append(name)
                    continue
                self._begin(f"images/{name}.png").add(f"images/{name}.png", [content])
        if lost:
            self.archive.add_text(LOST, "".join(f"{code}: the file is lost.\n" for code in lost))

    def add_manifests(self, *, with_images: bool) -> None:
        """What the zip holds and leaves out, for people and for programs."""
        self._begin("manifest.json").add_text(
            "README.txt", readme_of(self.study, with_images=with_images, has_table=has_parquet())
        )
        manifest = manifest_of(self.study)
        manifest["files"] = [
            {"file": each.name, "bytes": each.size, "sha256": each.sha256, "rows": each.rows}
            for each in sorted(self.archive.members, key=lambda each: each.name)
        ]
        self.archive.add_text(
            "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1, default=str)
        )
        self.archive.add_text(
            "ro-crate-metadata.json", crate_json(self.study, self.date, self.archive.members)
        )
        members = sorted(self.archive.members, key=lambda each: each.name)
        self.archive.add_text("SHA256SUMS", "".join(f"{each.sha256}  {each.name}\n" for each in members))

    def _begin(self, name: str) -> MeasuredZip:
        self.pulse(name)
        return self.archive
