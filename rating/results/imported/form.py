"""What a person says of ratings made elsewhere: on the page, in the command and in the API."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from audit import record
from pool.canonical.texts import file_name, line
from pool.canonical.typed_json import as_json
from pool.models import Modality
from rating.results.imported.model import ImportedRatings
from rating.results.imported.numbers import results_of_imported
from rating.results.imported.table import MOST_BYTES, TOO_LARGE, ImportedTable, read_table
from rating.statistics.ratings_table import LABELS, RatingsError
from rating.studies.study import Study


class ImportedRatingsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """A file of ratings, its words, and what is to be known of it."""

    file = forms.FileField(
        label="Ratings",
        help_text="A CSV or an Excel sheet with the columns rater, image and answer (or label), and truth where it is known; or an export of Label Studio (JSON) or doccano (JSONL).",
    )
    truth_file = forms.FileField(
        label="Truth",
        required=False,
        help_text="Where the ratings do not hold it: a CSV with the columns image and truth. Without a truth there is agreement only.",
    )
    modality = forms.ChoiceField(
        choices=Modality.choices,
        initial=Modality.OTHER,
        help_text="Of all images, unless the file has a column of it.",
    )
    session = forms.CharField(
        max_length=10, required=False, help_text="Where the file has several: the one to read."
    )
    real_words = forms.CharField(
        max_length=200, required=False, label="Words for real", help_text="By a comma: authentic, genuine."
    )
    fake_words = forms.CharField(
        max_length=200, required=False, label="Words for fake", help_text="generated, synthetic …"
    )
    unsure_words = forms.CharField(max_length=200, required=False, label="Words for unsure")

    class Meta:
        model = ImportedRatings
        fields = ["name", "origin"]
        widgets = {"origin": forms.Textarea({"rows": 2})}

    answers: ImportedTable

    def clean_name(self) -> str:
        name = line(str(self.cleaned_data["name"]))
        if Study.objects.filter(name=name).exists():
            raise forms.ValidationError("There is a study of this name.")
        return name

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if self.errors:
            return
        words: dict[str, str] = {}
        for label in LABELS:
            for word in filter(None, (part.strip().lower() for part in data[f"{label}_words"].split(","))):
                if words.setdefault(word, label) != label or (word in LABELS and word != label):
                    self.add_error(f"{label}_words", f"“{word}” stands for another answer too.")
        if self.errors:
            return
        try:
            self.content = _bytes(data["file"])
            truth = _bytes(data["truth_file"]) if data["truth_file"] else b""
            self.answers = read_table(
                self.content, words, modality=data["modality"], session=data["session"].strip(), truth=truth
            )
        except RatingsError as error:
            self.add_error("file", str(error).replace("--session N reads one of them", "name one of them"))

    @transaction.atomic
    def save_by(self, person: Any) -> ImportedRatings:
        """The ratings, owned by whoever imported them; the log says that they came from elsewhere."""
        row: ImportedRatings = self.save(commit=False)
        row.origin = line(row.origin)
        row.file_name = file_name(self.cleaned_data["file"].name or "ratings")
        row.file_sha256 = hashlib.sha256(self.content).hexdigest()
        row.table, row.created_by = as_json(self.answers), person
        row.save()
        row.give_to_maker(person)
        record(
            row,
            person,
            "imported ratings made elsewhere",
            name=row.name,
            sha256=row.file_sha256,
            raters=len(self.answers.raters),
            images=len(self.answers.images),
            ratings=self.answers.ratings,
            with_truth=bool(self.answers.truth),
        )
        results_of_imported(row)  # now, so that no page computes them
        return row


def _bytes(file: UploadedFile[bytes]) -> bytes:
    if (file.size or 0) > MOST_BYTES:
        raise RatingsError(TOO_LARGE)
    content: bytes = file.read()
    return content
