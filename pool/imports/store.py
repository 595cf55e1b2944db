"""Bringing images into a dataset: each is decoded apart, stored once, and named when it stays outside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from jobs.disk_space import is_out_of_room
from pool.canonical.attributes import KEPT, USUAL, as_provenance, kept_of
from pool.canonical.pixels import (
    STORED_LEVEL,
    Pixels,
    encode_png,
    pixel_columns,
)
from pool.canonical.texts import file_name, line, plain_json
from pool.imports.archives import Refusal, Source
from pool.imports.decoding import Hints
from pool.imports.marks import says_generated
from pool.imports.notes import Note
from pool.imports.pipeline import OpenedFile, Pipeline, Prepared
from pool.imports.placeholders import is_placeholder
from pool.imports.volumetric.series import order_series
from pool.imports.volumetric.series_choice import SeriesChoice
from pool.imports.volumetric.slices import STACK
from pool.imports.volumetric.stacks import OpenedStack, stack_of_file
from pool.models import Dataset, HeldFile, Image, ImportJob, Modality, Origin
from pool.release.desk import hold
from pool.storage.insertion import DuplicatePixelsError, insert, insert_stack, patient_key, series_key

__all__ = ["Duplicate", "DuplicatePixelsError", "add_image", "bring_in", "hints_of", "patient_key"]


@dataclass(frozen=True)
class Duplicate:
    """A file whose pixels the dataset already holds, and what was added to what is known of them."""

    file: str
    same_as: str
    added: str = ""
    sha256: str = ""

    def as_json(self) -> dict[str, str]:
        entry = {"file": file_name(self.file), "same_as": self.same_as}
        return {**entry, "added": self.added} if self.added else entry


def bring_in(
    dataset: Dataset,
    items: Iterable[Source | Refusal],
    *,
    job: ImportJob | None = None,
    done: Collection[str] = frozenset(),
    provenance: Mapping[str, str] = MappingProxyType({}),
    slices: str = "",
    with_sex_and_age: bool = False,
) -> Iterator[Image | HeldFile | Duplicate | Refusal | None]:
    """What became of each file, as it happens; None for those in `done`, which an earlier attempt dealt with.

    `provenance` is what a person says of where all of them come from; it goes into each one's provenance.
    `slices` chooses of files that hold several images, and of the slices of each series; for these None says that one
    was set aside, and what became of it comes last. `with_sex_and_age` reads these, as a band, from DICOM headers.
    """
    series = set(job.images.order_by().values_list("series_key", flat=True).distinct()) if job else set()
    # A slice is chosen by its place among all of its series: then those dealt with are opened again.
    missing = (None if _name(item) in done and not slices else item for item in items)
    hints = replace(hints_of(dataset, slices), with_sex_and_age=with_sex_and_age)
    with Pipeline(hints) as pipeline, SeriesChoice(slices) as choice:
        for opened in _opened(pipeline.open_all(missing), choice):
            stack = opened if isinstance(opened, OpenedStack) else None
            file = opened.file if isinstance(opened, OpenedStack) else opened
            if not isinstance(file, OpenedFile):
                yield None if file and file.file in done else file
                continue
            for image in file.images:
                name = _name_of(file.source, image)
                outcome = (
                    None
                    if name in done
                    else _bring_one(dataset, file, image, name, job=job, provenance=provenance, stack=stack)
                )
                if isinstance(outcome, Image):
                    series.add(outcome.series_key)
                yield outcome
    order_series(dataset, series)


def _opened(
    files: Iterable[OpenedFile | Refusal | None], choice: SeriesChoice
) -> Iterator[OpenedFile | OpenedStack | Refusal | None]:
    """The files with their images; None for one set aside to be chosen from, which comes last."""
    for file in files:
        if isinstance(file, OpenedFile) and choice.choice == STACK and len(file.images) > 1:
            yield stack_of_file(file)
        elif isinstance(file, OpenedFile):
            yield file.refusal or (None if choice.takes(file) else file)
        else:
            yield file
    yield from choice.outcomes()


def _name(item: Source | Refusal) -> str:
    return item.file if isinstance(item, Refusal) else item.name


def _name_of(source: Source, image: Prepared) -> str:
    """An image's name: the file's, and which of it where it holds several."""
    part = image.decoded.part
    return file_name(f"{source.name} · {part}") if part else source.name


def _bring_one(
    dataset: Dataset,
    file: OpenedFile,
    image: Prepared,
    name: str,
    *,
    job: ImportJob | None,
    provenance: Mapping[str, str],
    stack: OpenedStack | None = None,
) -> Image | HeldFile | Duplicate | Refusal:
    described = _described(file, image, provenance, dataset.origin)
    try:
        if image.decoded.hold_reason:
            return _hold(dataset, file, image, name, described, job=job)
        return add_image(
            dataset,
            image.decoded.pixels,
            label=described.label,
            patient=described.patient,
            split=described.split,
            source_name=name,
            source_sha256=file.sha256,
            provenance=described.provenance,
            notes=described.notes,
            import_job=job,
            prepared=image,
            stack=stack,
        )
    except DuplicatePixelsError as error:
        there = error.image
        again = there.source_sha256 == file.sha256 and there.source_name == name
        added = _complete(there, described) if again else ""
        return Duplicate(name, there.source_name or str(there.pk), added, file.sha256)
    except OSError as error:
        if is_out_of_room(error):  # no fault of this file: it is brought in once there is room
            raise
        return Refusal(name, f"The file cannot be stored: {error.strerror or error}.")


@dataclass(frozen=True)
class Description:
    """What is to be kept of an image besides its pixels."""

    label: str
    patient: str
    split: str
    provenance: Mapping[str, object]
    notes: list[Note]


def _described(file: OpenedFile, image: Prepared, provenance: Mapping[str, str], origin: str) -> Description:
    facts, decoded = file.source.facts, image.decoded
    details = {
        **provenance,
        "view": facts.view,
        "site": facts.site,
        "licence": facts.licence,
        "readers": facts.readers,
        **decoded.tags,
        # What a table says goes before what the header says.
        **{name: value for name, value in (("sex", facts.sex), ("age_band", facts.age_band)) if value},
        **as_provenance(facts.columns),
    }
    patient = facts.patient or decoded.patient_id
    notes = [*decoded.notes, *file.source.notes, *facts.notes]
    if not facts.patient and is_placeholder(patient):
        notes.append(Note("patient", f"“{patient}” stands for no patient; no patient was noted."))
        patient = ""
    if origin == Origin.REAL and says_generated(decoded.tags):
        notes.append(
            Note(
                "marks",
                f"The file says that a program made it ({decoded.tags['Marks']}); its dataset is real.",
            )
        )
    details = {key: value for key, value in details.items() if value}
    return Description(facts.label, patient, facts.split, details, notes)


def _hold(
    dataset: Dataset,
    file: OpenedFile,
    image: Prepared,
    name: str,
    described: Description,
    *,
    job: ImportJob | None,
) -> HeldFile | Duplicate | Refusal:
    """The file on the release desk; what a person has decided of these pixels before stands."""
    if there := dataset.images.filter(pixel_sha256=image.pixel_sha256).first():
        raise DuplicatePixelsError(there)
    height, width = image.decoded.pixels.shape[:2]
    held_file = HeldFile(
        dataset=dataset,
        import_job=job,
        hold_reason=image.decoded.hold_reason,
        label=line(described.label),
        patient_key=patient_key(described.patient),
        split=described.split,
        source_name=file_name(name),
        source_sha256=file.sha256,
        pixel_sha256=image.pixel_sha256,
        width=width,
        height=height,
        provenance=plain_json(described.provenance),
        notes=[note.as_json() for note in described.notes],
    )
    if hold(held_file, image.png, image.decoded.values):
        return held_file
    earlier = HeldFile.objects.get(dataset=dataset, pixel_sha256=image.pixel_sha256)
    if earlier.state == HeldFile.State.DISCARDED:
        return Refusal(name, f"A person discarded these pixels at the release desk: {earlier.reason}")
    where = "released under a mask" if earlier.image_id else "on the release desk"
    return Duplicate(name, f"{earlier.source_name} ({where})", sha256=file.sha256)


def hints_of(dataset: Dataset, slices: str = "") -> Hints:
    """What is known of a dataset's files before they are file."""
    return Hints(dataset.modality == Modality.MICROSCOPY, dataset.modality, dataset.window, slices)


def _complete(image: Image, described: Description) -> str:
    """Note down what an import of the same file says and an earlier one left open; returns it in words."""
    facts = {
        "label": described.label,
        "patient_key": patient_key(described.patient),
        "split": described.split,
    }
    new = {field: value for field, value in facts.items() if value and not getattr(image, field)}
    for field, value in new.items():
        setattr(image, field, value)
    usual = {
        name: described.provenance[name]
        for name in USUAL
        if described.provenance.get(name) and not image.provenance.get(name)
    }
    before, after = kept_of(image.provenance), kept_of(described.provenance)
    columns = {name: value for name, value in after.items() if name not in before}
    if attributes := [*usual, *columns]:
        image.provenance = image.provenance | usual | ({KEPT: before | columns} if columns else {})
    image.save(update_fields=[*new, *(["provenance"] if attributes else [])])
    words = {"label": "finding", "patient_key": "patient", "split": "split"}
    return ", ".join([*(words[field] for field in new), *(name.replace("_", " ") for name in attributes)])


def add_image(
    dataset: Dataset,
    pixels: Pixels,
    *,
    label: str = "",
    patient: str = "",
    split: str = "",
    source_name: str = "",
    source_sha256: str = "",
    provenance: Mapping[str, object] | None = None,
    notes: Iterable[Note] = (),
    import_job: ImportJob | None = None,
    prepared: Prepared | None = None,
    stack: OpenedStack | None = None,
    values: bytes = b"",
) -> Image:
    """The stored image of these pixels: row and file both, or neither. Raises DuplicatePixelsError.

    `values` is a file of what a window was laid on, where there is no `prepared` one.
    """
    image = Image(
        dataset=dataset,
        import_job=import_job,
        origin=dataset.origin,
        modality=dataset.modality,
        label=line(label),
        patient_key=patient_key(patient),
        split=split,
        source_name=file_name(source_name),
        source_sha256=source_sha256,
        **(prepared.columns if prepared else pixel_columns(pixels)),
        provenance=plain_json(provenance or {}),
        notes=[note.as_json() for note in notes],
    )
    if prepared and stack:
        image.slices = stack.slices
        insert_stack(image, prepared.png, stack.others(), prepared.decoded.values)
        return image
    if prepared and prepared.decoded.series:
        image.series_key = series_key(prepared.decoded.series)
        image.slice_position = prepared.decoded.position
    png = prepared.png if prepared else encode_png(pixels, level=STORED_LEVEL)
    insert(image, png, prepared.decoded.values if prepared else values)
    return image
