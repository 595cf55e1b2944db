"""What a report says of a study besides its numbers: protocol, flow of images and raters, blinding audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import cast

from django.db import models
from django.db.models import Count, Q

from pool.models import Dataset, Image
from pool.registers.image_flow import flow_of
from rating.blinding.audit import BlindingAudit
from rating.reading.display_check import display_sentences
from rating.results.display_names import KNOWLEDGE, MODALITIES
from rating.results.exhibit import Cell, Table
from rating.results.generator_table import generator_table
from rating.studies.enrolment import Enrolment
from rating.studies.sampling.strata import Role
from rating.studies.second_questions import in_words_of
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

FLOW_HEAD = (
    *(
        "Dataset",
        "Origin",
        "Modality",
        "Asked for",
        "Failed",
        "Refused",
        "Filtered",
        "Duplicates",
        "Not tried",
    ),
    *("In the pool", "Excluded there", "Near-copies held back", "In the study"),
)


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """Words and counts; the truth is in them only where the study is unblinded."""

    name: str
    state: str
    design: str
    sought: str
    is_unblinded: bool
    canvas: int
    bits: int
    sessions: int
    washout_days: int
    repeats: int
    blocks: int
    instructions: str
    prevalence_note: str
    primary_endpoint: str
    unsure_policy: str
    margin: float | None
    manifest_sha256: str
    seed: int
    order_version: str
    opened: str
    closed: str
    raters: dict[str, int]
    images: list[list[Cell]]
    exclusions: list[list[Cell]]
    generators: Table | None
    profiles: dict[str, int]
    years: str
    audit: list[str]
    audit_verdict: str
    audit_overridden: bool
    going_back: str
    repeat_gap: int
    burned_in: str
    ask_confidence: bool
    second_questions: list[str]
    slices: int
    lets_mark: bool
    clues: str
    frozen: str
    sources: list[str]
    simulated: bool
    statements: Mapping[str, str]
    displays: list[str]


def facts_of(study: Study) -> StudyFacts:
    enrolments = study.enrolments.filter(machine="")
    audit = _audit(study)
    return StudyFacts(
        name=study.name,
        state=study.state,
        design=study.design,
        sought=study.sought,
        is_unblinded=study.is_unblinded,
        canvas=study.canvas,
        bits=study.bits,
        sessions=study.sessions,
        washout_days=study.washout_days,
        repeats=study.repeats,
        blocks=study.blocks,
        instructions=study.instructions,
        prevalence_note=study.prevalence_note,
        primary_endpoint=study.get_primary_endpoint_display(),
        unsure_policy=study.unsure_policy,
        margin=study.equivalence_margin,
        manifest_sha256=study.manifest_sha256,
        seed=study.seed,
        order_version=study.order_version,
        opened=f"{study.opened_at:%Y-%m-%d}" if study.opened_at else "",
        closed=f"{study.closed_at:%Y-%m-%d}" if study.closed_at else "",
        raters=_rater_flow(study),
        images=_image_flow(study),
        exclusions=_exclusions(study),
        generators=generator_table(study),
        profiles=dict(Counter(KNOWLEDGE[enrolment.ai_knowledge] or "not said" for enrolment in enrolments)),
        years=_years([enrolment.years for enrolment in enrolments]),
        audit=_audit_sentences(audit, with_truth=study.is_unblinded),
        audit_verdict=audit.verdict if audit else "",
        audit_overridden=bool(audit and audit.overridden_at),
        going_back=study.going_back,
        repeat_gap=study.repeat_gap,
        burned_in=study.burned_in,
        ask_confidence=study.ask_confidence,
        second_questions=in_words_of(study.second_questions),
        slices=study.slices,
        lets_mark=study.lets_mark,
        clues=study.clues if study.sessions > study.first_informed_session else "",
        frozen=f"{study.frozen_at:%Y-%m-%d}" if study.frozen_at else "",
        sources=_sources(study),
        simulated=study.is_simulated,
        statements=dict(study.statements.values_list("topic", "text")),
        displays=display_sentences(study),
    )


def _audit(study: Study) -> BlindingAudit | None:
    """The newest audit that came to an end."""
    audits = cast("models.QuerySet[BlindingAudit]", study.blinding_audits.all())
    return audits.filter(state=BlindingAudit.State.SUCCEEDED).first()


def _years(answers: list[int | None]) -> str:
    """Their median and range in words, empty where nobody said."""
    years = sorted(number for number in answers if number is not None)
    if not years:
        return ""
    return f"median {median(years):g}, {years[0]} to {years[-1]} ({len(years)} of {len(answers)} said)"


def _audit_sentences(audit: BlindingAudit | None, *, with_truth: bool) -> list[str]:
    """The audit's findings; of a blinded study only its verdict, for findings may tell which images are generated."""
    if audit is None:
        return []
    return (
        audit.sentences()
        if with_truth
        else [f"The blinding audit of {audit.finished_at:%Y-%m-%d} was {audit.verdict}."]
    )


def _rater_flow(study: Study) -> dict[str, int]:
    sittings = Sitting.objects.counted().filter(enrolment__study=study).without_practice()
    of_rater: dict[int, list[Sitting]] = {}
    for sitting in sittings:
        of_rater.setdefault(sitting.enrolment_id, []).append(sitting)
    people = Enrolment.objects.people().filter(study=study)
    return {
        "invited": people.count(),
        "consented": people.exclude(consented_at=None).count(),
        "withdrawn": people.exclude(withdrawn_at=None).count(),
        "of these with their ratings removed": people.exclude(ratings_removed_at=None).count(),
        "started": sum(any(s.main_rated_count for s in own) for own in of_rater.values()),
        "finished": sum(
            all(s.main_rated_count == s.main_count for s in sittings) for sittings in of_rater.values()
        ),
        "machines, shown beside the raters": study.enrolments.exclude(machine="").count(),
        "sittings left out (unblinded or started over)": Sitting.objects.filter(enrolment__in=people)
        .filter(Q(reset_at__isnull=False) | Q(unblinded_at__isnull=False))
        .count(),
    }


def _image_flow(study: Study) -> list[list[Cell]]:
    """Each dataset's way into the study: asked for, lost on the way, in the pool, excluded there, in the study.

    A blinded report must not tell by its order or counts which dataset is which: it has counts by modality only.
    """
    in_study: Counter[int] = Counter(
        study.images.exclude(role=Role.PRACTICE).values_list("image__dataset", flat=True)
    )
    datasets = sorted(_datasets(study), key=lambda dataset: dataset.name)
    if not study.is_unblinded:
        kinds: Counter[str] = Counter()
        for dataset in datasets:
            kinds[MODALITIES[dataset.modality]] += in_study[dataset.pk]
        blanks: list[Cell] = [None] * (len(FLOW_HEAD) - 4)
        return [["", None, kind, *blanks, n] for kind, n in sorted(kinds.items())]
    rows: list[list[Cell]] = []
    for dataset in datasets:
        n = dataset.images.aggregate(all=Count("pk"), excluded=Count("pk", filter=~Q(excluded_reason="")))
        flow = flow_of(dataset)
        lost = (flow.failed, flow.refused, flow.filtered, flow.duplicates, flow.never_tried)
        way: list[Cell] = [flow.requested, *lost] if flow.requested else [None] * 6
        rows.append(
            [
                *(dataset.name, dataset.origin, MODALITIES[dataset.modality]),
                *way,
                *(n["all"], n["excluded"], dataset.images.held_back().count(), in_study[dataset.pk]),
            ]
        )
    return rows


def _exclusions(study: Study) -> list[list[Cell]]:
    """Why images of the study's datasets were left out; told only once the study is unblinded."""
    if not study.is_unblinded:
        return []
    excluded = Image.objects.filter(dataset__in=_datasets(study)).exclude(excluded_reason="")
    counted = excluded.order_by().values_list("dataset__name", "excluded_reason").annotate(Count("pk"))
    return [list(row) for row in sorted(counted)]


def _sources(study: Study) -> list[str]:
    """Each dataset with its origin, licence and citation; only once the study is unblinded."""
    if not study.is_unblinded:
        return []
    return [
        ", ".join(filter(None, (f"{dataset.name} ({dataset.origin})", dataset.licence, dataset.citation)))
        for dataset in sorted(_datasets(study), key=lambda dataset: dataset.name)
    ]


def _datasets(study: Study) -> set[Dataset]:
    return {stratum.dataset for stratum in study.strata.select_related("dataset")}


def flow_tables(facts: StudyFacts) -> list[tuple[str, Table]]:
    note = (
        "Asked of a generator, or given to an import. Refused: by the service or the importer; filtered: of one even "
        "colour; not tried: of jobs that were stopped. A dash: not counted."
    )
    tables = [("Flow of images", Table(FLOW_HEAD, facts.images, [note] if facts.is_unblinded else []))]
    if facts.exclusions:
        tables.append(("Why images were excluded", Table(("Dataset", "Reason", "Images"), facts.exclusions)))
    if facts.generators:
        tables.append(("What made the fakes", facts.generators))
    return [
        *tables,
        ("Flow of raters", Table(("Raters", "n"), [[name, n] for name, n in facts.raters.items()])),
    ]
