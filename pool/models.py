"""What the pool holds: datasets of one provenance, the images in them, and the imports that brought them."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from accounts.membership.models import Membership, Shared, SharedQuerySet
from audit import record
from jobs.models import Job, JobQuerySet
from outbound.fetching import without_query
from pool.canonical.attributes import lines_of
from pool.canonical.measurements import in_words
from pool.counting import count_of, count_once
from pool.storage.paths import stored_path, upload_path, value_path

ANY_NOTE = "any"


class Origin(models.TextChoices):
    REAL = "real"
    SYNTHETIC = "synthetic"


class Modality(models.TextChoices):
    XRAY = "xray", "X-ray"
    CT = "ct", "CT"
    MRI = "mri", "MRI"
    MICROSCOPY = "microscopy", "Microscopy"
    OTHER = "other", "Other"


class DatasetQuerySet(SharedQuerySet["Dataset"]):
    def with_usable_images(self) -> Self:
        """Datasets that hold images nobody has excluded, each with `usable_images`, their number."""
        usable = Image.objects.usable()
        filled = self.filter(models.Exists(usable.filter(dataset=models.OuterRef("pk"))))
        return filled.annotate(usable_images=count_of(usable, "dataset"))

    def counted(self) -> Self:
        """Datasets with `image_count`, `excluded_count` and `held_count`, the near-copies of real images."""
        copies = NearCopy.objects.filter(image__excluded_reason="")
        return self.annotate(
            image_count=count_of(Image.objects.all(), "dataset"),
            has_values=models.Exists(Image.objects.with_values().filter(dataset=models.OuterRef("pk"))),
            excluded_count=count_of(Image.objects.exclude(excluded_reason=""), "dataset"),
            held_count=count_once(copies, "image__dataset", of="image"),
        )


class Dataset(Shared):
    name = models.CharField(max_length=100, unique=True)
    origin = models.CharField(max_length=9, choices=Origin)
    modality = models.CharField(max_length=10, choices=Modality)
    description = models.TextField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    citation = models.TextField(blank=True)
    window = models.CharField(
        max_length=30, blank=True, help_text="How values are shown: one of the words, or CENTRE/WIDTH."
    )
    measurements = models.JSONField(default=dict, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    usable_images: int  # where `with_usable_images` counted them

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(origin__in=Origin.values), name="dataset_origin_known"),
            models.CheckConstraint(
                condition=models.Q(modality__in=Modality.values), name="dataset_modality_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def measured_in_words(self) -> list[str]:
        """The measured numbers that people look for first, each with its interval, and what they are of."""
        return in_words(self.measurements)


class DatasetMembership(Membership):
    """A person's, a group's or every researcher's part in a dataset."""

    subject = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="memberships")


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, person: Any) -> Self:
        return self.filter(dataset__in=Dataset.objects.visible_to(person))

    def editable_by(self, person: Any) -> Self:
        return self.filter(dataset__in=Dataset.objects.editable_by(person))

    def usable(self) -> Self:
        """Images nobody has excluded."""
        return self.filter(excluded_reason="")

    def with_values(self) -> Self:
        """Images whose values are kept, so that another window can be laid on them."""
        return self.exclude(values="")

    def shown_freely(self) -> Self:
        """Usable images that nothing holds back from studies: no near-copies of real images."""
        return self.usable().filter(near_copies=None)

    def held_back(self) -> Self:
        """Usable images that were found to be near-copies of real ones."""
        return self.usable().filter(near_copies__isnull=False).distinct()

    def neighbours_of(self, image: Image) -> list[Image]:
        """The slices before and after this one in its series, in that order; those there are."""
        if not image.series_key or image.slice_number is None:
            return []
        numbers = [image.slice_number - 1, image.slice_number + 1]
        series = self.filter(dataset=image.dataset_id, series_key=image.series_key)
        return list(series.filter(slice_number__in=numbers).order_by("slice_number"))

    def noted(self, code: str = "") -> Self:
        """Images with a note, of this code where one is given."""
        return self.filter(notes__contains=[{"code": code}]) if code else self.exclude(notes=[])

    def elsewhere(self, among: Self) -> dict[str, int]:
        """How many of these stand pixel by pixel in other datasets too, by the dataset's name; counted among these images."""
        same = among.filter(pixel_sha256__in=self.order_by().values("pixel_sha256"))
        rows = same.exclude(dataset__in=self.order_by().values("dataset")).order_by("dataset__name")
        return dict(rows.values_list("dataset__name").annotate(number=models.Count("pk")))

    def matching(
        self,
        *,
        dataset: Dataset | None = None,
        origin: str = "",
        modality: str = "",
        label: str = "",
        note: str = "",
    ) -> Self:
        """Images that fit every filter given; an empty one fits all. `note` is a code or “any”."""
        filters = {"dataset": dataset, "origin": origin, "modality": modality}
        images = self.filter(**{field: value for field, value in filters.items() if value})
        images = images.with_finding(label) if label else images
        return images.noted("" if note == ANY_NOTE else note) if note else images

    def with_finding(self, finding: str) -> Self:
        """Images whose label is, or names among others, this finding."""
        inside = models.Q(label__startswith=f"{finding}|") | models.Q(label__endswith=f"|{finding}")
        return self.filter(models.Q(label=finding) | inside | models.Q(label__contains=f"|{finding}|"))

    def findings(self) -> list[str]:
        """Every finding in use, once, in order."""
        labels = self.exclude(label="").order_by().values_list("label", flat=True).distinct()
        return sorted({finding for label in labels.iterator() for finding in label.split("|")})


class Image(models.Model):
    """One image in canonical form: a PNG of its pixels and nothing else.

    Origin, modality and label stand on the image too, so that a filter needs no join.
    """

    class Split(models.TextChoices):
        TRAIN = "train"
        TEST = "test"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="images")
    import_job = models.ForeignKey(
        "ImportJob", on_delete=models.PROTECT, null=True, editable=False, related_name="images"
    )
    origin = models.CharField(max_length=9, choices=Origin)
    modality = models.CharField(max_length=10, choices=Modality)
    label = models.CharField("finding", max_length=300, blank=True)
    patient_key = models.CharField(max_length=64, blank=True, help_text="A keyed hash, never an identifier.")
    split = models.CharField(max_length=5, choices=Split, blank=True)
    file = models.FileField(upload_to=stored_path, max_length=200)
    # What a window was laid on, as a DICOM file of our own without any name; empty where there was no more to keep.
    values = models.FileField(upload_to=value_path, max_length=200, blank=True)
    # Of slices: a keyed hash of their series, where they lie along it in mm, and their place in that order.
    series_key = models.CharField(max_length=64, blank=True)
    slice_position = models.FloatField(null=True, blank=True, editable=False)
    slice_number = models.PositiveIntegerField(null=True, blank=True, editable=False)
    slice_count = models.PositiveIntegerField(null=True, blank=True, editable=False)
    # Of a stack, how many there are: the middle one is the image's file, the others are rows of `Slice`.
    slices = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    source_name = models.CharField(max_length=255, blank=True)
    source_sha256 = models.CharField(max_length=64, blank=True)
    pixel_sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    bits = models.PositiveSmallIntegerField()
    perceptual_hash = models.CharField(max_length=16, blank=True)
    provenance = models.JSONField(default=dict, blank=True)
    # What was odd about the file it came from: [{"code": …, "text": …}], codes as in `pool.imports.notes`.
    notes = models.JSONField(default=list, blank=True)
    file_bytes = models.PositiveBigIntegerField(null=True, editable=False)  # None until it has been measured
    excluded_reason = models.CharField(max_length=200, blank=True)
    excluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "pixel_sha256"], name="image_pixels_once_per_dataset"),
            models.CheckConstraint(condition=models.Q(origin__in=Origin.values), name="image_origin_known"),
            models.CheckConstraint(
                condition=models.Q(modality__in=Modality.values), name="image_modality_known"
            ),
            models.CheckConstraint(
                condition=models.Q(split__in=["", "train", "test"]), name="image_split_known"
            ),
            models.CheckConstraint(condition=models.Q(bits__in=[8, 16]), name="image_bits_8_or_16"),
            models.CheckConstraint(condition=models.Q(slices__gte=1), name="image_has_a_slice"),
        ]
        indexes = [
            models.Index(fields=["modality", "origin", "label"], name="image_stratum"),
            models.Index(fields=["perceptual_hash"], name="image_perceptual_hash"),
            models.Index(fields=["pixel_sha256"], name="image_pixels"),
            models.Index(
                fields=["dataset", "series_key", "slice_position"],
                name="image_series",
                condition=~models.Q(series_key=""),
            ),
            # What a list of datasets shows of each: a few of its images, and how many stand out.
            models.Index(
                fields=["dataset", "pixel_sha256"],
                name="image_usable",
                condition=models.Q(excluded_reason=""),
            ),
            models.Index(fields=["dataset"], name="image_left_out", condition=~models.Q(excluded_reason="")),
            models.Index(fields=["dataset"], name="image_with_values", condition=~models.Q(values="")),
            GinIndex(fields=["notes"], opclasses=["jsonb_path_ops"], name="image_notes"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("pool:image", args=[self.pk])

    @property
    def findings(self) -> list[str]:
        """The findings of a label that names several, a pipe between them."""
        return self.label.split("|") if self.label else []

    @property
    def thumbnail_path(self) -> str:
        """Where storage keeps this image's thumbnail once somebody has looked at it."""
        return f"thumbnails/{self.pk.hex[:2]}/{self.pk.hex}.png"

    @property
    def said_of_it(self) -> list[tuple[str, str]]:
        """The provenance as lines to read."""
        return lines_of(self.provenance)

    @property
    def learned_from(self) -> set[str]:
        """The names of the datasets that its model is known to have learned from, the earlier ones too."""
        before = self.provenance.get("trained_on_before", [])
        names = {
            str(self.provenance.get("trained_on", "")),
            *map(str, before if isinstance(before, list) else [before]),
        }
        return names - {""}

    def exclude(self, reason: str, *, by: Any) -> None:
        """Keep the image but leave it out of studies and training."""
        self.excluded_reason, self.excluded_by_id = reason, by.pk
        self.save(update_fields=["excluded_reason", "excluded_by"])
        record(self, by, "left out an image", reason=reason)

    def include(self, *, by: Any = None) -> None:
        """Take an exclusion back."""
        record(self, by, "took an image back in")
        self.excluded_reason, self.excluded_by = "", None
        self.save(update_fields=["excluded_reason", "excluded_by"])


class ImportJob(Job):
    """An upload on its way into a dataset, and afterwards the record of what was refused and why."""

    class Labels(models.TextChoices):
        NONE = "none", "No labels"
        FOLDER = "folder", "The name of each file's folder"
        TABLE = "table", "A CSV file"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="imports")
    labels = models.CharField(max_length=6, choices=Labels, default=Labels.NONE)
    # What is fetched besides the files that were sent, and who made the images by what a person says.
    url = models.CharField("address", max_length=2000, blank=True)
    provenance = models.JSONField(default=dict, blank=True)
    slices = models.CharField(max_length=10, blank=True)
    # What whoever imports asked for: these of the DICOM headers, further columns of the table.
    with_sex_and_age = models.BooleanField(default=False)
    columns = models.JSONField(default=list, blank=True)
    layout = models.CharField(
        max_length=20, blank=True
    )  # of a public data set, by `pool.imports.public_layouts`
    # The dataset whose kept values are shown in this one under another window; then no file is sent or fetched.
    values_of = models.ForeignKey(
        Dataset, on_delete=models.SET_NULL, null=True, editable=False, related_name="renderings"
    )
    # Series of a PACS, each as the identifiers of its study and of itself, until they are in; then no file is sent either.
    dicomweb_source = models.ForeignKey(
        "DicomwebSource", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    dicomweb_series = models.JSONField(default=list, blank=True, editable=False)
    table = models.FileField("CSV", upload_to=upload_path, max_length=200, blank=True)
    imported = models.PositiveIntegerField(default=0, editable=False)

    task = "pool.imports.tasks.run_import_job"
    subjects = ("dataset",)
    fills_the_disk = True

    objects: ClassVar[Any] = JobQuerySet["ImportJob"].as_manager()

    class Meta(Job.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=Job.State.values), name="import_state_known"),
            models.CheckConstraint(
                condition=models.Q(labels__in=["none", "folder", "table"]), name="import_labels_known"
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"

    @property
    def has_its_files(self) -> bool:
        """Whether what was sent is still there to go on with; it is deleted some time after an import has ended."""
        if self.values_of_id is not None:
            return True
        if self.dicomweb_series:
            return self.dicomweb_source_id is not None
        has_table = bool(self.table) or self.labels != self.Labels.TABLE
        return has_table and (bool(self.url) or self.uploads.exists())

    @property
    def source_url(self) -> str:
        """The address as people may see it."""
        return without_query(self.url)

    def get_absolute_url(self) -> str:
        return reverse("pool:import", args=[self.pk])


class UploadedFile(models.Model):
    """A file somebody sent, kept until its import has ended."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    file = models.FileField(upload_to=upload_path, max_length=200)
    # A tar that the page has made of many files: what lies in it is named by its path alone.
    is_pack = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="upload_name_once_per_import")]

    def __str__(self) -> str:
        return self.name


# Last, since their rows name those above; whoever reads images need not read them. Under their own names, to be handed on.
from pool.copies.models import NearCopy as NearCopy  # noqa: E402, PLC0414  as above
from pool.corrections.models import CorrectedImage as CorrectedImage  # noqa: E402, PLC0414  as above
from pool.corrections.models import Correction as Correction  # noqa: E402, PLC0414  as above
from pool.dicomweb.models import DicomwebSource as DicomwebSource  # noqa: E402, PLC0414  as above
from pool.imports.outcome_rows import FileOutcome as FileOutcome  # noqa: E402, PLC0414  as above
from pool.publication.models import DatasetRelease as DatasetRelease  # noqa: E402, PLC0414  as above
from pool.release.models import HeldFile as HeldFile  # noqa: E402, PLC0414  as above
from pool.storage.slices import Slice as Slice  # noqa: E402, PLC0414  as above
from pool.uploads.models import ResumableUpload as ResumableUpload  # noqa: E402, PLC0414  as above
