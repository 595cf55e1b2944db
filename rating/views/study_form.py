"""A study is made, and its draft changed, in steps: one form, whose other steps travel along unseen.

So a step back keeps all that was typed, nothing is stored before it is saved, and no script is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render

from jobs.views import Context
from pool.models import Dataset, Origin
from pool.strips import strips
from rating.models import Study
from rating.studies.enrolment import USUAL_PACE_MS
from rating.studies.forms import FROZEN_MEANWHILE, Row, StrataForm, StudyForm, save_study
from rating.studies.precision import precision
from rating.studies.presets import TEMPLATES, Template
from rating.studies.sampling.strata import Role
from rating.studies.second_questions import checked, in_words_of
from rating.studies.study import NotPossibleError

MOST_DATASETS = 8  # listed before anything is searched; those with images chosen stand there always
IN_A_ROW = 3  # images of each dataset
SETS = (Study.Design.PAIR, Study.Design.QUARTET)
ARENA = (Study.Design.ARENA,)


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    title: str
    question: str
    fields: tuple[str, ...] = ()


STEPS = (
    Step(
        "question",
        "Question",
        "What is to be measured, and how?",
        (
            "name",
            "design",
            "primary_endpoint",
            "contender",
            "opponent",
            "unsure_policy",
            "equivalence_margin",
        ),
    ),
    Step(
        "images",
        "Images",
        "Which images, and how many of them?",
        ("match_findings", "canvas", "bits", "slices", "common_size", "grey_range", "burned_in"),
    ),
    Step(
        "reading",
        "Reading",
        "What are raters told, and what do they answer?",
        (
            *("instructions", "sought", "must_choose", "first_instructions", "prevalence_note"),
            *("ask_confidence", "require_confidence", "reasons", "second_questions", "going_back"),
            *("ask_correction_reason", "marks", "display_check", "fixed_zoom"),
            *("fixed_window", "hold_ahead", "break_after"),
        ),
    ),
    Step(
        "raters",
        "Raters",
        "Who reads what, how often, and on which terms?",
        (
            *("sessions", "clues", "washout_days", "repeats", "repeat_gap", "blocks", "anchors"),
            *("consent", "withdrawal", "debriefing", "ask_usability", "pseudonyms_only"),
            *("four_eyes", "signatures"),
        ),
    ),
    Step("check", "Check", "Is it all as it should be?"),
)
PLACES = {step.key: place for place, step in enumerate(STEPS)}
# A field that only some designs have.
ONLY_FOR = {
    "sought": SETS,
    **dict.fromkeys(("contender", "opponent", "match_findings", "must_choose"), ARENA),
    "first_instructions": (Study.Design.TWO_PHASE,),
    "clues": (Study.Design.SINGLE, Study.Design.TWO_PHASE),
    "unsure_policy": (Study.Design.SINGLE, Study.Design.TWO_PHASE),
    "second_questions": (Study.Design.SINGLE, Study.Design.TWO_PHASE),
}


def _comparable(value: object) -> str:
    """A value of the form as text; second questions as they are stored, whichever way they were typed."""
    try:
        stored = json.loads(value) if isinstance(value, str) and value.startswith("[") else value
        return json.dumps(checked(stored), sort_keys=True) if isinstance(stored, list) else str(value)
    except (ValueError, ValidationError):
        return str(value)


# By field, what the templates write into it.
_FILLED_IN = {
    name: {
        _comparable(template.protocol[name]) for template in TEMPLATES.values() if name in template.protocol
    }
    for template in TEMPLATES.values()
    for name in template.protocol
}


@dataclass(frozen=True, slots=True)
class DatasetRows:
    """A dataset's rows of numbers: of the whole, and of each finding."""

    dataset: Dataset
    totals: list[tuple[Row, list[forms.BoundField]]]
    findings: list[tuple[Row, list[forms.BoundField]]]
    is_chosen: bool
    images: Sequence[UUID] = ()  # a few of it, to be looked at

    @property
    def has_chosen_findings(self) -> bool:
        return any(_number(field) for _row, fields in self.findings for field in fields)


@permission_required("rating.add_study", raise_exception=True)
def create(request: HttpRequest) -> HttpResponse:
    template = TEMPLATES.get(request.GET.get("template", ""))
    protocol = template.protocol if template else {}
    return _StudySteps(request, Study(created_by_id=request.user.pk, **protocol), template).answer()


@permission_required("rating.change_study", raise_exception=True)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.drafts().editable_by(request.user), slug=slug)
    return _StudySteps(request, study).answer()


class _StudySteps:
    """One request for the form: the step it shows, or the study it saves."""

    def __init__(self, request: HttpRequest, study: Study, template: Template | None = None) -> None:
        self.request, self.study, self.template = request, study, template
        self.is_new = study.pk is None
        self.title = "New study" if self.is_new else f"Change “{study}”"
        self.step = STEPS[PLACES.get(request.POST.get("step", ""), 0)]
        self.form, self.strata = self._forms(request.POST or None)

    def answer(self) -> HttpResponse:
        go = self.request.POST.get("go", "save")
        if self.request.method != "POST":
            return self._page()
        if go == "save":
            return self._save()
        has_searched = self.request.POST.get("search", "") != self.request.POST.get("searched", "")
        if go == "next" or (go == "enter" and not has_searched):
            return self._next()
        act, _, name = go.partition(":")
        if act == "template" and name in TEMPLATES:
            self._begin_with(TEMPLATES[name])
        elif act == "to" and name in PLACES:
            self._carry_on(STEPS[PLACES[name]])
        else:  # a search, or the numbers beside the form
            self._carry_on(self.step)
        if go == "count" and self.request.headers.get("HX-Request"):
            return render(self.request, "rating/_study_counts.html", self._context())
        return self._page()

    def _forms(
        self, data: QueryDict | None, counts: Mapping[int, int] | None = None
    ) -> tuple[StudyForm, StrataForm]:
        if counts is None and self.template:
            counts = self.template.counts(self.request.user)
        of_study = None if self.is_new else self.study
        strata = StrataForm(data, person=self.request.user, study=of_study, counts=counts)
        return StudyForm(data, instance=self.study), strata

    def _carry_on(self, step: Step) -> None:
        """Show a step with all that was typed so far, and no faults: nobody has said yet that it is done."""
        self.step = step
        typed = [{name: form[name].value() for name in form.fields} for form in (self.form, self.strata)]
        self.form, self.strata = self._forms(None)
        self.form.initial.update(typed[0])
        self.strata.initial.update(typed[1])

    def _begin_with(self, template: Template) -> None:
        """The template's protocol; the name, and all that was typed and no template fills in, stay.

        What another template may have filled in goes back to its default, its design above all.
        """
        has_typed_numbers = self._has_typed_numbers()
        self._carry_on(self.step)
        self.template = template
        for name, filled_in in _FILLED_IN.items():
            if _comparable(self.form.initial[name]) in filled_in:
                self.form.initial[name] = Study._meta.get_field(name).get_default()  # type: ignore[union-attr]  # all are plain columns
        self.form.initial.update(template.protocol)
        if not has_typed_numbers and (counts := template.counts(self.request.user)):
            self.strata.initial.update(
                {
                    row.names[Role.MAIN.value]: counts.get(row.dataset.pk, 0)
                    for row in self.strata.strata
                    if not row.label
                }
            )

    def _has_typed_numbers(self) -> bool:
        """Whether a number stands in the form that no template fills in so."""
        numbers = {
            field.html_name: number
            for _row, fields in self.strata.rows()
            for field in fields
            if (number := _number(field))
        }
        names = {row.dataset.pk: row.names[Role.MAIN.value] for row in self.strata.strata if not row.label}
        filled_in = (template.counts(self.request.user) for template in TEMPLATES.values())
        by_template = [{names[key]: count for key, count in counts.items()} for counts in filled_in]
        return bool(numbers) and numbers not in by_template

    def _next(self) -> HttpResponse:
        fields = {field.name for field in self._fields_of(self.step)}
        if fields & set(self.form.errors) or (self.step.key == "images" and self.strata.errors):
            return self._page(status=422)
        self._carry_on(STEPS[min(PLACES[self.step.key] + 1, len(STEPS) - 1)])
        return self._page()

    def _save(self) -> HttpResponse:
        if self.form.is_valid() and self.strata.is_valid():
            try:
                save_study(self.form, self.strata, by=self.request.user)
            except NotPossibleError as reason:
                self.form.add_error(None, str(reason))
            except IntegrityError:
                self.form.add_error(None, FROZEN_MEANWHILE)
            else:
                return redirect(self.study)
        self.step = self._first_with_faults()
        return self._page(status=422)

    def _first_with_faults(self) -> Step:
        for step in STEPS:
            if set(step.fields) & set(self.form.errors) or (step.key == "images" and self.strata.errors):
                return step
        return STEPS[-1]

    def _page(self, *, status: int = 200) -> HttpResponse:
        return render(self.request, "rating/study_form.html", self._context(), status=status)

    def _context(self) -> Context:
        place = PLACES[self.step.key]
        return {
            "form": self.form,
            "strata": self.strata,
            "study": self.study,
            "is_new": self.is_new,
            "title": self.title,
            "template": self.template,
            "templates": TEMPLATES.values(),
            "steps": [(step, at < place) for at, step in enumerate(STEPS)],
            "step": self.step,
            "previous": STEPS[place - 1] if place else None,
            "fields": self._fields_of(self.step),
            "hidden": list(self._hidden()),
            "datasets": self._datasets_with_images() if self.step.key == "images" else [],
            "search": self.request.POST.get("search", ""),
            "summary": list(self._summary()),
            **self._numbers(),
        }

    def _fields_of(self, step: Step) -> list[forms.BoundField]:
        """The step's fields, of those that the chosen design has."""
        design = self.form["design"].value() or Study.Design.SINGLE
        return [self.form[name] for name in step.fields if design in ONLY_FOR.get(name, (design,))]

    def _hidden(self) -> Iterator[forms.BoundField]:
        """All that the step does not show."""
        names = {field.html_name for field in self._fields_of(self.step)}
        if self.step.key == "images":
            names |= {
                field.html_name
                for rows in self._datasets()
                for _row, fields in (*rows.totals, *rows.findings)
                for field in fields
            }
        for form in (self.form, self.strata):
            yield from (form[name] for name in form.fields if form[name].html_name not in names)

    def _datasets(self) -> list[DatasetRows]:
        """The datasets to choose from: those chosen, then those that the search finds."""
        by_dataset: dict[int, list[tuple[Row, list[forms.BoundField]]]] = {}
        for row, fields in self.strata.rows():
            by_dataset.setdefault(row.dataset.pk, []).append((row, fields))
        datasets = [
            DatasetRows(
                rows[0][0].dataset,
                [pair for pair in rows if not pair[0].label],
                [pair for pair in rows if pair[0].label],
                any(_number(field) for _row, fields in rows for field in fields),
            )
            for rows in by_dataset.values()
        ]
        words = self.request.POST.get("search", "").lower().split()
        fitting = [rows for rows in datasets if all(word in str(rows.dataset).lower() for word in words)]
        chosen = [rows for rows in datasets if rows.is_chosen]
        return chosen + [rows for rows in fitting if not rows.is_chosen][:MOST_DATASETS]

    def _datasets_with_images(self) -> list[DatasetRows]:
        datasets = self._datasets()
        images = strips((rows.dataset.pk for rows in datasets), self.request.user)
        return [replace(rows, images=images.get(rows.dataset.pk, [])[:IN_A_ROW]) for rows in datasets]

    def _counts(self) -> dict[str, dict[str, int]]:
        """By role and origin: how many images are asked for, those of datasets that this person does not see too."""
        counts = {str(role): dict.fromkeys(Origin.values, 0) for role in Role}
        for role, origin, count in self.strata.unseen_strata.values_list("role", "dataset__origin", "count"):
            counts[role][origin] += count
        for row in self.strata.strata:
            for role in Role:
                counts[role][row.dataset.origin] += _number(self.strata[row.names[role]])
        return counts

    def _numbers(self) -> Context:
        """What the numbers so far amount to: images, a rater's minutes, how sharp the primary result gets."""
        by_role, design = self._counts(), self._design()
        counts, sessions = by_role[Role.MAIN], _number(self.form["sessions"]) or 1
        total = sum(counts.values())
        set_count, practice, probes = (sum(by_role[role].values()) // design.set_size for role in Role)
        generated = round(set_count * counts[Origin.SYNTHETIC] / max(total, 1))
        readings = (set_count + probes + _number(self.form["repeats"])) * sessions
        return {
            "counts": counts,
            "image_count": total,
            "design": design,
            "reading_count": readings,
            "practice_count": practice * (sessions + 1 - design.first_informed_session),
            "minutes": round(readings * USUAL_PACE_MS / 60_000),
            "seconds": USUAL_PACE_MS // 1000,
            "precision": precision(
                str(self.form["primary_endpoint"].value()), set_count - generated, generated
            ),
            "shared_out": _number(self.form["blocks"]) > 1,
            "dataset_count": len({row.dataset.pk for row in self.strata.strata}),
        }

    def _design(self) -> Study:
        """A study of the chosen design, which says how many images it shows at once."""
        value = self.form["design"].value()
        return Study(design=value if value in Study.Design.values else Study.Design.SINGLE)

    def _summary(self) -> Iterator[tuple[Step, list[tuple[str, str]]]]:
        """Of each step what differs from an empty form, for the last look."""
        if self.step.key != "check":
            return
        for step in STEPS[:-1]:
            lines = [
                (str(field.label), _in_words(field))
                for field in self._fields_of(step)
                if field.value() and field.value() not in {"[]", "null", "0"}
            ]
            yield step, [*(self._chosen_images() if step.key == "images" else ()), *lines]

    def _chosen_images(self) -> Iterator[tuple[str, str]]:
        """Of each dataset, or finding of one, how many images in which role."""
        for row, fields in self.strata.rows():
            counts = [
                f"{number} {role}"
                for role, field in zip(row.names, fields, strict=True)
                if (number := _number(field))
            ]
            if counts:
                yield f"{row.dataset} ({row.label})" if row.label else str(row.dataset), ", ".join(counts)


def _in_words(field: forms.BoundField) -> str:
    """A value as people read it: the words of a choice, yes for a tick."""
    value = field.value()
    if field.name == "second_questions":
        return "\n".join(in_words_of(json.loads(value or "[]") or []))
    if isinstance(value, bool) or value in {"True", "on"}:
        return "yes"
    choices = getattr(field.field, "choices", ())
    return str(dict(choices).get(value, value))


def _number(field: forms.BoundField) -> int:
    """What stands in a field of numbers, as far as it is one."""
    value = str(field.value() or 0)
    return int(value) if value.isdecimal() else 0
