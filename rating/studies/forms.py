"""What people may type on the rating side; validation lives here and in the constraints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models, transaction

from audit import record
from pool.models import Dataset, DatasetQuerySet, Image
from rating.studies.sampling.strata import Role, Stratum
from rating.studies.second_questions_field import SecondQuestionsField
from rating.studies.study import Study

FROZEN_MEANWHILE = "The study has been frozen meanwhile: its protocol stands. Copy it instead."


class StudyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = Study
        fields = [
            "name",
            "design",
            "sought",
            "must_choose",
            "match_findings",
            "contender",
            "opponent",
            "instructions",
            "prevalence_note",
            "first_instructions",
            "clues",
            "consent",
            "withdrawal",
            "canvas",
            "bits",
            "slices",
            "common_size",
            "grey_range",
            "burned_in",
            "ask_confidence",
            "require_confidence",
            "reasons",
            "second_questions",
            "going_back",
            "debriefing",
            "ask_usability",
            "ask_correction_reason",
            "marks",
            "display_check",
            "fixed_zoom",
            "fixed_window",
            "hold_ahead",
            "break_after",
            "sessions",
            "washout_days",
            "repeats",
            "repeat_gap",
            "blocks",
            "anchors",
            "primary_endpoint",
            "unsure_policy",
            "equivalence_margin",
            "pseudonyms_only",
            "four_eyes",
            "signatures",
        ]
        field_classes = {"second_questions": SecondQuestionsField}
        widgets = {
            "instructions": forms.Textarea(attrs={"rows": 4}),
            "prevalence_note": forms.Textarea(attrs={"rows": 2}),
            "first_instructions": forms.Textarea(attrs={"rows": 4}),
            "clues": forms.Textarea(attrs={"rows": 3}),
            "consent": forms.Textarea(attrs={"rows": 3}),
            "reasons": forms.Textarea(attrs={"rows": 6}),
            "equivalence_margin": forms.NumberInput(attrs={"step": "0.01"}),
        }

    # Left out by a form that does not show them, these keep their defaults.
    DEFAULTED = (
        "design",
        "sought",
        "withdrawal",
        "bits",
        "slices",
        "common_size",
        "grey_range",
        "burned_in",
        "hold_ahead",
        "going_back",
        "debriefing",
        "break_after",
        "display_check",
        "sessions",
        "washout_days",
        "repeats",
        "repeat_gap",
        "blocks",
        "anchors",
        "primary_endpoint",
        "unsure_policy",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.DEFAULTED:
            self.fields[name].required = False

    def clean_second_questions(self) -> Any:
        return self.cleaned_data["second_questions"] or []

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        for name in self.DEFAULTED:
            if name not in self.errors and cleaned.get(name) in {None, ""}:
                cleaned[name] = Study._meta.get_field(name).get_default()  # type: ignore[union-attr]  # all are plain columns


@dataclass(frozen=True, slots=True)
class Row:
    """One dataset, or one finding in it, with a number field for each role."""

    dataset: Dataset
    label: str
    usable: int
    names: Mapping[str, str]

    def count_of(self, cleaned: Mapping[str, int | None], role: str) -> int:
        return cleaned.get(self.names[role]) or 0


class StrataForm(forms.Form):
    """Numbers per dataset, finding and role: how many of these images the study shows, and what for."""

    PREFIXES: Mapping[str, str] = {
        Role.MAIN.value: "dataset",
        Role.PRACTICE.value: "practice",
        Role.PROBE.value: "probe",
    }

    def __init__(
        self,
        *args: Any,
        person: Any,
        study: Study | None = None,
        counts: Mapping[int, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.datasets = Dataset.objects.visible_to(person)
        chosen = {(key, "", Role.MAIN.value): count for key, count in (counts or {}).items()}
        strata = study.strata.all() if study else Stratum.objects.none()
        self.unseen_strata = strata.exclude(dataset__in=self.datasets)
        if study:
            chosen = {(s.dataset_id, s.label, s.role): s.count for s in strata}
        self.strata = list(_strata_rows(self.datasets))
        for row in self.strata:
            for role, name in row.names.items():
                self.fields[name] = forms.IntegerField(
                    label=f"{row.dataset} {row.label} {role}".strip(),
                    min_value=0,
                    max_value=row.usable,
                    required=False,
                    initial=chosen.get((row.dataset.pk, row.label, role), 0),
                )

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        has_images = any(row.count_of(cleaned, Role.MAIN) for row in self.strata)
        if not self.errors and not has_images and not self.unseen_strata.filter(role=Role.MAIN).exists():
            raise forms.ValidationError("Ask for at least one image of one dataset.")

    @transaction.atomic
    def save(self, study: Study) -> None:
        """These strata, and those of datasets that this person does not see; what an unfinished freeze has prepared
        goes with the old ones."""
        study.discard_preparation()
        study.strata.filter(dataset__in=self.datasets).delete()
        Stratum.objects.bulk_create(
            Stratum(study=study, dataset=row.dataset, label=row.label, role=role, count=count)
            for row in self.strata
            for role in row.names
            if (count := row.count_of(self.cleaned_data, role))
        )

    def rows(self) -> list[tuple[Row, list[forms.BoundField]]]:
        return [(row, [self[name] for name in row.names.values()]) for row in self.strata]


def _strata_rows(datasets: DatasetQuerySet) -> Iterator[Row]:
    """Each dataset as a whole, then by finding where it has several."""
    usable = (
        Image.objects.usable()
        .filter(dataset__in=datasets)
        .exclude(label="")
        .values_list("dataset", "label")
        .order_by("label")
    )
    by_label: dict[int, list[tuple[str, int]]] = {}
    for dataset, label, count in usable.annotate(count=models.Count("pk")):
        by_label.setdefault(dataset, []).append((label, count))
    for dataset in datasets.with_usable_images():
        yield Row(dataset, "", dataset.usable_images, _names(dataset, ""))
        for label, count in by_label.get(dataset.pk, []):
            if len(by_label[dataset.pk]) > 1 or count < dataset.usable_images:
                yield Row(dataset, label, count, _names(dataset, label))


def _names(dataset: Dataset, label: str) -> dict[str, str]:
    # A finding is any text, so its field is named by a short hash of it.
    tail = f"_{hashlib.sha256(label.encode()).hexdigest()[:10]}" if label else ""
    return {role: f"{prefix}_{dataset.pk}{tail}" for role, prefix in StrataForm.PREFIXES.items()}


@transaction.atomic
def save_study(form: StudyForm, strata: StrataForm, *, by: Any) -> Study:
    """The draft of two valid forms. Raises NotPossibleError, or IntegrityError where it has been frozen meanwhile."""
    is_new = form.instance.pk is None
    study: Study = form.save()
    if is_new:
        study.give_to_maker(by)
    strata.save(study)
    record(study, by, "created" if is_new else "changed the protocol")
    return study
