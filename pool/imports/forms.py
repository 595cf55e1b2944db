"""The pool's forms: narrowing the gallery, sending files, leaving an image out."""

from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.datastructures import MultiValueDict

from jobs.disk_space import shortage
from outbound.fetching import FetchError, check_address
from pool.imports.archives.members import NAMED_AS_ARCHIVES
from pool.imports.columns import column_names
from pool.imports.decoding import WINDOW_SENTENCE, is_window
from pool.imports.labels import BadSourceError
from pool.imports.notes import KINDS
from pool.imports.public_layouts import CHOICES as LAYOUTS
from pool.imports.tables import read_table
from pool.imports.uploads import SENT_AND_GONE, Upload
from pool.imports.volumetric.slices import CHOICE_SENTENCE, is_choice
from pool.models import ANY_NOTE, Dataset, Image, ImportJob, Modality, Origin, ResumableUpload

ANY = ("", "any")
MADE_BY = ("model", "prompt", "source")


class FilterForm(forms.Form):
    """What the gallery shows; a value that is not on offer is left out."""

    dataset = forms.ModelChoiceField(Dataset.objects.all(), required=False, empty_label="any")
    origin = forms.ChoiceField(choices=[ANY, *Origin.choices], required=False)
    modality = forms.ChoiceField(choices=[ANY, *Modality.choices], required=False)
    label = forms.ChoiceField(label="Finding", required=False)
    note = forms.ChoiceField(
        label="Noted at import",
        choices=[("", "any or none"), (ANY_NOTE, "something"), *KINDS.items()],
        required=False,
    )

    def __init__(self, *args: Any, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["dataset"].queryset = Dataset.objects.visible_to(person)  # type: ignore[attr-defined]  # a ModelChoiceField
        labels = [(finding, finding) for finding in Image.objects.visible_to(person).findings()]
        self.fields["label"].choices = [ANY, *labels]  # type: ignore[attr-defined]  # a ChoiceField, see above

    def images(self) -> QuerySet[Image]:
        """Those that this person sees and the filter lets through; a choice that is none counts for nothing."""
        self.is_valid()
        return Image.objects.visible_to(self.person).matching(**self.cleaned_data)


def check_window(text: str) -> None:
    """Raises ValidationError for what is no choice of a window."""
    if not is_window(text):
        raise forms.ValidationError(WINDOW_SENTENCE)


def check_slices(text: str) -> None:
    """Raises ValidationError for what is no choice of slices."""
    if not is_choice(text):
        raise forms.ValidationError(CHOICE_SENTENCE)


class DatasetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """A dataset of its own, with nothing in it yet."""

    class Meta:
        model = Dataset
        fields = ["name", "origin", "modality", "description", "licence", "citation", "window"]

    def clean_window(self) -> str:
        window = str(self.cleaned_data["window"])
        if window:
            check_window(window)
        return window

    def save_by(self, person: Any) -> Dataset:
        """The dataset, owned by whoever made it."""
        dataset: Dataset = self.save(commit=False)
        dataset.created_by = person
        dataset.save()
        dataset.give_to_maker(person)
        return dataset


class DestinationForm(forms.Form):
    """Where images go: a dataset there is, or a new one described here. Without a person, whoever runs this process asks."""

    dataset = forms.ModelChoiceField(
        Dataset.objects.all(), required=False, empty_label="a new dataset", label="Into"
    )
    name = forms.CharField(max_length=100, required=False, label="Name of the new dataset")
    origin = forms.ChoiceField(choices=Origin.choices, required=False)
    modality = forms.ChoiceField(choices=Modality.choices, required=False)
    window = forms.CharField(
        max_length=30,
        required=False,
        validators=[check_window],
        help_text="How CT values are shown: file, lung, mediastinum, bone, range or CENTRE/WIDTH; empty: the file's, the lung's where there are several.",
    )
    slices = forms.CharField(
        max_length=10,
        required=False,
        validators=[check_slices],
        help_text="Of files that hold several images (multi-frame DICOM, NIfTI, NRRD), and of each DICOM series: middle, every:N, all or lung; stack keeps the slices of a file, a series or a folder together as one image. Empty: every file of a series.",
    )
    with_sex_and_age = forms.BooleanField(
        required=False,
        label="Take sex and age from DICOM",
        help_text="As F, M or O and a band of ten years, never the exact age; what a table says goes first. Only where you may store it.",
    )
    licence = forms.CharField(max_length=200, required=False)
    citation = forms.CharField(
        max_length=2000, required=False, help_text="Who is to be thanked when these images are shown."
    )

    def __init__(self, *args: Any, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        datasets = Dataset.objects.all() if person is None else Dataset.objects.editable_by(person)
        self.fields["dataset"].queryset = datasets  # type: ignore[attr-defined]  # as above

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if name and Dataset.objects.filter(name=name).exists():
            raise forms.ValidationError("There is a dataset of this name; choose it above.")
        return name

    def clean(self) -> None:
        super().clean()
        if sentence := shortage():
            raise forms.ValidationError(f"Nothing can be imported now. {sentence} Ask who runs this site.")
        if (
            not self.cleaned_data.get("dataset")
            and not self.cleaned_data.get("name")
            and "name" not in self.errors
        ):
            self.add_error("name", "Name the new dataset, or choose one that exists.")
        for field in ("origin", "modality"):
            if not self.cleaned_data.get("dataset") and not self.cleaned_data.get(field, "?"):
                self.add_error(field, f"Say the {field} of the new dataset.")

    def target(self, user: Any) -> Dataset:
        """The dataset chosen, or the new one described."""
        data = self.cleaned_data
        if data["dataset"]:
            chosen: Dataset = data["dataset"]
            return chosen
        described = {
            key: data[key] for key in ("name", "origin", "modality", "window", "licence", "citation")
        }
        dataset = Dataset.objects.create(**described, created_by=user)
        dataset.give_to_maker(user)
        return dataset


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True

    def value_from_datadict(
        self, data: Any, files: MultiValueDict[str, UploadedFile[bytes]], name: str
    ) -> list[UploadedFile[bytes]]:
        return files.getlist(name)


class SeveralFilesField(forms.Field):
    """One file or more; the value is the list of them."""

    widget = SeveralFiles


LOOSE = "Single files are sent without the folders they lie in: pack the folder into a zip and send that."


class SentFilesField(forms.CharField):
    """The keys of files that were sent in pieces, in the order in which they are to be read."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> list[uuid.UUID]:
        try:
            return [uuid.UUID(key) for key in str(super().clean(value)).split()]
        except ValueError as error:
            raise forms.ValidationError(SENT_AND_GONE) from error


def _is_loose(files: list[UploadedFile[bytes]] | None) -> bool:
    """Whether all that was sent are single images by name; without an ending, a file may be an archive."""
    names = [(file.name or "").lower() for file in files or ()]
    return bool(names) and all(
        PurePath(name).suffix and not name.endswith((*NAMED_AS_ARCHIVES, ".npz")) for name in names
    )


class UploadForm(DestinationForm):
    """Files and where they go."""

    # What is read of the files first; what made them last, where the page says of whom it is asked.
    field_order = ("layout", "columns", "window", "slices", "with_sex_and_age", "url", "licence", "citation")
    uploads = SeveralFilesField(
        label="Images",
        required=False,
        help_text="PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG 2000, DICOM, NIfTI or NRRD files, or zips, tars and 7z of them; of a folder, its zip.",
    )
    url = forms.CharField(
        label="From an address",
        max_length=2000,
        required=False,
        help_text="Of an image or a zip on a public server: https://…",
    )
    sent = SentFilesField(required=False, max_length=100_000)
    made_with = forms.CharField(max_length=100, required=False, help_text="Diffusion model, GAN, DALL·E 2 …")
    model = forms.CharField(max_length=200, required=False, label="Model", help_text="Name and version.")
    prompt = forms.CharField(max_length=4000, required=False, widget=forms.Textarea({"rows": 2}))
    source = forms.CharField(
        max_length=500, required=False, help_text="Who made them and where that is written down."
    )
    labels = forms.ChoiceField(choices=ImportJob.Labels.choices, label="Findings from")
    layout = forms.ChoiceField(
        choices=[("", "none of these"), *LAYOUTS],
        required=False,
        label="Laid out as",
        help_text="Its table of findings is looked for among the files that are sent.",
    )
    table = forms.FileField(
        required=False,
        label="CSV of findings",
        help_text="Columns file and label; also patient, split, view, site, sex, age and licence where you have them.",
    )
    columns = forms.CharField(
        max_length=1000,
        required=False,
        label="Further columns to keep",
        help_text="Such as “scanner, bmi”: models can be told of them, and utility tells subgroups apart by them. "
        "Only where you may store them; without their names no others are kept.",
    )

    def __init__(self, *args: Any, person: Any, files_follow: bool = False, **kwargs: Any) -> None:
        """`files_follow` where a page asks whether all else will do before it sends any."""
        super().__init__(*args, person=person, **kwargs)
        self.person, self.files_follow = person, files_follow

    def clean_sent(self) -> list[ResumableUpload]:
        """The person's own complete uploads of these keys."""
        keys: list[uuid.UUID] = self.cleaned_data["sent"]
        if not keys:
            return []
        uploads = ResumableUpload.objects.owned_by(self.person).complete().in_bulk(keys)
        if len(uploads) != len(keys):
            raise forms.ValidationError(SENT_AND_GONE)
        return [uploads[key] for key in keys]

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"]).strip()
        if url:
            try:
                check_address(url)
            except (BadSourceError, FetchError) as error:
                raise forms.ValidationError(str(error)) from error
        return url

    def clean_columns(self) -> tuple[str, ...]:
        try:
            return column_names(self.cleaned_data["columns"])
        except BadSourceError as error:
            raise forms.ValidationError(str(error)) from error

    def _check_table(self, table: UploadedFile[bytes] | None) -> None:
        if table is None:
            return
        try:
            read_table(table.read(), table.name or "the CSV", columns=self.cleaned_data.get("columns", ()))
        except (BadSourceError, FetchError) as error:
            self.add_error("table", str(error))
        table.seek(0)

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        has_files = data.get("uploads") or data.get("sent") or data.get("url") or self.files_follow
        if not has_files and not {"url", "sent"} & set(self.errors):
            self.add_error("uploads", "Choose files, or give an address.")
        if data.get("table") and data.get("labels") == ImportJob.Labels.NONE and not data.get("layout"):
            data["labels"] = ImportJob.Labels.TABLE  # it was sent to be read
        typed = {"engine": data.get("made_with"), **{name: data.get(name) for name in MADE_BY}}
        data["provenance"] = {name: value for name, value in typed.items() if value}
        chosen = data.get("dataset")
        origin = chosen.origin if chosen else data.get("origin")
        if data["provenance"] and origin != Origin.SYNTHETIC:
            self.add_error("made_with", "Only synthetic images have a model; real ones have a citation.")
        if data.get("layout") and data.get("labels") != ImportJob.Labels.NONE:
            self.add_error(
                "layout", "A layout says itself where the findings are: choose no labels beside it."
            )
        if (
            data.get("labels") == ImportJob.Labels.TABLE
            and not data.get("table")
            and "table" not in self.errors
        ):
            self.add_error("table", "Choose the CSV that holds the findings.")
        self._check_table(data.get("table"))
        if data.get("columns") and not data.get("layout") and data.get("labels") != ImportJob.Labels.TABLE:
            self.add_error(
                "columns", "Columns are kept of a CSV of findings or of a layout’s table: choose one."
            )
        if data.get("labels") == ImportJob.Labels.FOLDER and _is_loose(data.get("uploads")):
            self.add_error("labels", LOOSE)

    def upload(self) -> Upload:
        """What was sent, checked."""
        data = self.cleaned_data
        return {
            "uploads": data["uploads"],
            "labels": data["labels"],
            "table": data["table"],
            "url": data["url"],
            "slices": data["slices"],
            "with_sex_and_age": data["with_sex_and_age"],
            "columns": data["columns"],
            "layout": data["layout"],
            "provenance": data["provenance"],
            "sent": data["sent"],
        }


class ExcludeForm(forms.Form):
    reason = forms.CharField(max_length=200, label="Why")
