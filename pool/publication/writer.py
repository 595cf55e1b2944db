"""A release, written file by file into a folder or a zip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from pool.canonical.pixels import decode_png
from pool.models import Dataset, Image, Origin
from pool.publication.citations import card, citation_cff, datacite_json, kaggle_json
from pool.publication.croissant import TABLE, ZipFacts, croissant_json
from pool.publication.datasheet import datasheet
from pool.publication.dicom_file import TooLargeForDicomError, dicom_chunks
from pool.publication.facts import ReleaseFacts, facts_of, maker_of
from pool.publication.marks import ManifestSigner, has_c2pa, with_xmp
from pool.publication.metadata_csv import metadata_lines
from pool.publication.models import DatasetRelease
from pool.publication.rules import reasons_not_to_release, released_images
from pool.storage.measured_zip import Member
from pool.storage.slices import slice_files
from pool.storage.stored_files import stored_bytes

Pulse = Callable[[int, int], object]
IN_DICOM = "DICOM SyntheticData (0008,001C) YES, ConversionType SYN and IPTC's digital source type in the derivation description"
IN_XMP = "IPTC digital source type in XMP"
OWN, TEST = "a certificate of this site", "a test certificate that nobody trusts"
WITHOUT = f"{IN_XMP}; no C2PA manifest, as c2pa-python is not installed"


class NotReleasedError(Exception):
    """The dataset may not go out as it is; the message says what to do."""


class Target(Protocol):
    """Where files go: a zip or a folder."""

    members: list[Member]

    def add(self, name: str, chunks: Iterable[bytes], *, rows: int | None = None) -> Member: ...


class Folder:
    """A folder as a target."""

    def __init__(self, path: Path) -> None:
        self.path, self.members = path, list[Member]()

    def add(self, name: str, chunks: Iterable[bytes], *, rows: int | None = None) -> Member:
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with place.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += file.write(chunk)
        member = Member(name, size, digest.hexdigest(), rows)
        self.members.append(member)
        return member


class Release:
    """The dataset on its way out. Raises NotReleasedError for one that may not go, or cannot."""

    def __init__(self, dataset: Dataset, image_format: str) -> None:
        if reasons := reasons_not_to_release(dataset, image_format):
            raise NotReleasedError(" ".join(reasons))
        self.dataset, self.image_format = dataset, image_format
        self.is_png = image_format == DatasetRelease.Format.PNG
        self.is_synthetic = dataset.origin == Origin.SYNTHETIC
        self.signer = ManifestSigner() if self.is_png and self.is_synthetic and has_c2pa() else None
        self.images = released_images(dataset)
        self._describe: Callable[[ZipFacts | None], str] | None = None

    @property
    def marks(self) -> str:
        """What each synthetic file carries, in words; empty of real ones."""
        if not self.is_synthetic:
            return ""
        if not self.is_png:
            return IN_DICOM
        if self.signer is None:
            return WITHOUT
        return f"C2PA manifest, signed with {TEST if self.signer.is_test else OWN}; {IN_XMP}"

    def write(self, target: Target, today: date, pulse: Pulse) -> None:
        """Every image, then what describes them, last the digests. Raises LostFileError."""
        names = []
        for place, image in enumerate(self.images):
            pulse(place, len(self.images))
            names.append(f"images/{image.pk.hex}.{'png' if self.is_png else 'dcm'}")
            try:
                target.add(names[-1], self.chunks_of(image, names[-1]))
            except TooLargeForDicomError as error:
                raise NotReleasedError(str(error)) from error
        facts = facts_of(self.dataset, self.images, marks=self.marks, today=today)
        rows = "".join(metadata_lines(zip(names, self.images, strict=True)))
        table = target.add(TABLE, [rows.encode()], rows=len(names))
        self._describe = partial(_croissant_of, facts=facts, table_sha256=table.sha256, is_png=self.is_png)
        texts = {
            "README.md": card(facts),
            "DATASHEET.md": datasheet(facts),
            "CITATION.cff": citation_cff(facts),
            "datacite.json": datacite_json(facts),
            "dataset-metadata.json": kaggle_json(facts),
            "croissant.json": self._describe(None),
        }
        for name, text in texts.items():
            target.add(name, [text.encode()])
        members = sorted(target.members, key=lambda each: each.name)
        digests = "".join(f"{each.sha256}  {each.name}\n" for each in members)
        target.add("SHA256SUMS", [digests.encode()])

    def croissant_of(self, archive: ZipFacts) -> str:
        """Croissant of the zip that was written, to lie beside it: inside, it could not have the zip's SHA-256."""
        if self._describe is None:
            raise ValueError("The release is not written yet.")
        return self._describe(archive)

    def chunks_of(self, image: Image, name: str) -> Iterable[bytes]:
        """The image's file as it goes out, with its marks."""
        software = f"{maker_of(image)} (LungRater {version('lungrater')})"
        if not self.is_png:
            files = slice_files(image, image.slices)
            frames = (decode_png(stored_bytes(file, f"image {image.pk}")) for file in files)
            return dicom_chunks(image, frames, software=software)
        png = stored_bytes(image.file, f"image {image.pk}")
        if not self.is_synthetic:
            return [png]
        marked = with_xmp(png)
        return [self.signer.signed(marked, title=name, software=software) if self.signer else marked]


def _croissant_of(archive: ZipFacts | None, *, facts: ReleaseFacts, table_sha256: str, is_png: bool) -> str:
    return croissant_json(facts, table_sha256=table_sha256, version="1.0.0", is_png=is_png, archive=archive)
