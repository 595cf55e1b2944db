"""What a report says of a study besides its numbers: protocol, flow of images and raters, blinding audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from rating.models import BlindingAudit, Enrolment, Sitting, Study
from rating.report.exhibit import Cell, Table
from rating.report.words import MODALITIES


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """Words and counts; `told` says whether the truth may be in them."""

    name: str
    state: str
    told: bool
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
    profiles: dict[str, int]
    audit: list[str]
    simulated: bool


def facts_of(study: Study) -> StudyFacts:
    enrolments = study.enrolments.all()
    audit = BlindingAudit.objects.filter(study=study, state=BlindingAudit.State.SUCCEEDED).first()
    return StudyFacts(
        name=study.name,
        state=study.state,
        told=study.is_unblinded,
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
        profiles=dict(Counter(enrolment.ai_knowledge or "not said" for enrolment in enrolments)),
        audit=_audit_sentences(audit, told=study.is_unblinded),
        simulated=study.is_simulated,
    )


def _audit_sentences(audit: Any, *, told: bool) -> list[str]:
    """The audit's findings; of a blinded study only its verdict, for findings may tell which images are generated."""
    if audit is None:
        return []
    return (
        audit.sentences()
        if told
        else [f"The blinding audit of {audit.finished_at:%Y-%m-%d} was {audit.verdict}."]
    )


def _rater_flow(study: Study) -> dict[str, int]:
    sittings = Sitting.objects.counted().filter(enrolment__study=study).with_progress()
    of_rater: dict[int, list[Sitting]] = {}
    for sitting in sittings:
        of_rater.setdefault(sitting.enrolment_id, []).append(sitting)
    return {
        "invited": study.enrolments.count(),
        "consented": Enrolment.objects.filter(study=study).exclude(consented_at=None).count(),
        "withdrawn": study.enrolments.exclude(withdrawn_at=None).count(),
        "started": sum(any(s.rated_count for s in those) for those in of_rater.values()),
        "finished": sum(
            all(s.rated_count == s.presentation_count for s in those) for those in of_rater.values()
        ),
        "sittings left out (unblinded or started over)": Sitting.objects.filter(enrolment__study=study)
        .filter(Q(reset_at__isnull=False) | Q(unblinded_at__isnull=False))
        .count(),
    }


def _image_flow(study: Study) -> list[list[Cell]]:
    """Each dataset's way into the study: in the pool, excluded there, in the study."""
    used: Counter[int] = Counter(study.images.values_list("image__dataset", flat=True))
    datasets = {stratum.dataset_id: stratum.dataset for stratum in study.strata.select_related("dataset")}
    rows: list[list[Cell]] = []
    for pk, dataset in sorted(datasets.items(), key=lambda pair: pair[1].name):
        n = dataset.images.aggregate(all=Count("pk"), excluded=Count("pk", filter=~Q(excluded_reason="")))
        name, origin = (
            (dataset.name, dataset.origin) if study.is_unblinded else (f"Dataset {len(rows) + 1}", None)
        )
        rows.append([name, origin, MODALITIES[dataset.modality], n["all"], n["excluded"], used[pk]])
    # A blinded report must not tell by its order or counts which dataset is which.
    if study.is_unblinded:
        return rows
    kinds = Counter(str(row[2]) for row in rows for _ in range(int(row[5] or 0)))
    return [["", None, kind, None, None, n] for kind, n in sorted(kinds.items())]


def flow_tables(facts: StudyFacts) -> list[tuple[str, Table]]:
    head = ("Dataset", "Origin", "Modality", "In the pool", "Excluded there", "In the study")
    note = "How many images a generator made, failed to make or was refused is in its job's record, which the rating side cannot see."
    return [
        ("Flow of images", Table(head, facts.images, [note])),
        ("Flow of raters", Table(("Raters", "n"), [[name, n] for name, n in facts.raters.items()])),
    ]
