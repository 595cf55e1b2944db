"""`lungrater release DATASET -o PLACE`: a dataset as others can take it over, in a folder or a zip."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from audit import record
from jobs.command_line.form_command import refusal
from pool.models import Dataset
from pool.publication.croissant import ZipFacts
from pool.publication.models import DatasetRelease
from pool.publication.writer import Folder, NotReleasedError, Release
from pool.storage.measured_zip import MeasuredZip
from pool.storage.stored_files import LostFileError


class Command(BaseCommand):
    """Writes the release in this process."""

    help = (
        "Release a dataset: marked images, metadata.csv, Croissant, datasheet, citation files and digests, in a folder or, where "
        "the name ends with .zip, in one file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", metavar="DATASET")
        parser.add_argument(
            "-o", "--output", type=Path, required=True, metavar="PLACE", help="an empty folder, or FILE.zip"
        )
        parser.add_argument(
            "--images", choices=DatasetRelease.Format.values, default=DatasetRelease.Format.PNG
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path = options["output"]
        dataset = Dataset.objects.filter(name=options["dataset"]).first()
        if dataset is None:
            raise refusal(f"There is no dataset {options['dataset']!r}.")
        if output.is_dir() and any(output.iterdir()):
            raise refusal(f"The folder {output} is not empty.")
        try:
            release = Release(dataset, options["images"])
            members = self._write(release, output)
        except (NotReleasedError, LostFileError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        record(dataset, None, "released a dataset", images=len(release.images))
        facts = {
            "images": len(release.images),
            "files": members,
            "marks": release.marks,
            "output": str(output),
        }
        words = f"{facts['images']} images in {output}. {f'Marks: {release.marks}.' if release.marks else ''}".strip()
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if options["json"] else words)

    def _write(self, release: Release, output: Path) -> int:
        """How many files it wrote."""
        today = timezone.localdate()
        with tqdm(total=len(release.images), unit="image", disable=None) as bar:

            def pulse(done: int, total: int) -> None:
                bar.update(done - bar.n)

            if output.suffix.lower() == ".zip":
                with contextlib.closing(MeasuredZip(output)) as archive:
                    release.write(archive, today, pulse)
                with output.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                words = release.croissant_of(ZipFacts(output.name, digest))
                output.with_suffix(".croissant.json").write_text(words, encoding="utf-8")
                return len(archive.members)
            folder = Folder(output)
            release.write(folder, today, pulse)
            return len(folder.members)
