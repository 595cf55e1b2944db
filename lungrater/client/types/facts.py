"""What operations give.

Made by bench/client_code.py: change the API, then python -m bench.client_code --write.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from lungrater.client.types.bodies import Protocol
from lungrater.client.types.results import MetricsJSON, QualityResults, UtilityResults


class ActFacts(TypedDict):
    """What the page would say was done, and the study after it."""

    sentence: str
    study: StudyFacts


class AuditFacts(TypedDict):
    """The blinding audit. Which images a finding means stands on its page."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    verdict: str
    findings: list[Finding]


class BackupSentence(TypedDict):
    sentence: str


class BundleFacts(TypedDict):
    """How far a bundle is; of one that is there its size and SHA-256, and whether it says which images
    are real."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    study: str
    with_images: bool
    file_bytes: int | None
    sha256: str
    with_truth: bool
    verified: bool | None


class Change(TypedDict):
    before: str
    after: str


class CheckpointFacts(TypedDict):
    """`run_id` is null of a model that came without a run: with LungRater, or from another site.

    `ema_length` is σ_rel of an average that was chosen after training, else 0."""

    id: int
    name: str
    run_id: int | None
    step: int
    ema_length: float
    sha256: str
    metrics: MetricsJSON
    created_at: str


class CorrectedFacts(TypedDict):
    """What the page would say; `correction` is null where nothing was to be changed."""

    sentence: str
    changed: int
    unchanged: int
    fixed: int
    correction: CorrectionFacts | None


class CorrectedImageFacts(TypedDict):
    image_id: str
    before: str


class CorrectionFacts(TypedDict):
    """One value given to a field of many images; `images` counts those of datasets that you may
    change."""

    id: int
    field: Literal["label", "split"]
    value: str
    reason: str
    corrected_by: str
    corrected_at: str
    taken_back_by: str | None
    taken_back_at: str | None
    images: int


class DatasetEventFacts(TypedDict):
    """One edit of a dataset: by field what stood there before and after."""

    at: str
    who: str
    changes: dict[str, Change]


class DatasetFacts(TypedDict):
    id: int
    name: str
    origin: Origin
    modality: Modality
    description: str
    licence: str
    citation: str
    window: str
    image_count: int
    excluded_count: int
    created_at: str


class DecidedFacts(TypedDict):
    sentence: str
    held_file: HeldFileFacts


class DeskFilter(TypedDict):
    dataset: NotRequired[int | None]
    state: NotRequired[str | None]


class Digests(TypedDict):
    sha256: list[str]


class DiscardedFacts(TypedDict):
    """By id: those that are discarded now, and those of which somebody had decided before."""

    discarded: list[str]
    decided_before: list[str]


class DurationFacts(TypedDict):
    """About how long a job takes; `seconds` is null, and the sentence says why, where that is not
    known."""

    seconds: float | None
    sentence: str


class ErasedFacts(TypedDict):
    """`traces` is where what others wrote still names them, by column."""

    sentence: str
    events: int
    remarks: int
    log_lines: int
    traces: dict[str, int]


class EventFacts(TypedDict):
    """A line of the study's log; `number` is its place in the chain."""

    id: int
    number: int | None
    at: str
    action: str
    who: str
    actor: str | None
    subject_kind: str
    reason: str
    detail: dict[str, object]
    sha256: str


class Filter(TypedDict):
    dataset: NotRequired[int | None]
    origin: NotRequired[str | None]
    modality: NotRequired[str | None]
    label: NotRequired[str | None]
    note: NotRequired[str | None]


class Finding(TypedDict):
    check: str
    verdict: str
    reason: str
    remedy: NotRequired[str]


class GeneratedFacts(TypedDict):
    """What became of one image of a job; `image_id` is null where there is none, and `reason` says
    why."""

    index: int
    seed: int | None
    prompt: str
    outcome: Literal["made", "duplicate", "filtered", "refused", "failed"]
    reason: str
    image_id: str | None
    excluded_reason: str
    reviewed_at: str | None


class GenerationFacts(TypedDict):
    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    engine: str
    dataset_id: int
    modality: str
    label: str
    prompt: str
    seed: int
    settings: dict[str, object]


class HeldFileFacts(TypedDict):
    """`mask` has the rectangles that were laid over it, each left, top, width and height; `image_id`
    what it became."""

    id: str
    dataset_id: int
    source_name: str
    source_sha256: str
    hold_reason: str
    width: int
    height: int
    label: str
    split: str
    created_at: str
    state: Literal["waiting", "released", "discarded", "expired"]
    reason: str
    mask: list[list[int]]
    decided_by: str | None
    decided_at: str | None
    image_id: str | None


class ImageFacts(TypedDict):
    id: str
    dataset_id: int
    origin: Origin
    modality: Modality
    label: str
    split: str
    width: int
    height: int
    bits: int
    slices: int
    source_name: str
    source_sha256: str
    pixel_sha256: str
    provenance: dict[str, object]
    notes: list[Any]
    excluded_reason: str
    created_at: str


class ImportFacts(TypedDict):
    """`refused`, `duplicates` and `unchosen` (slices) name the files that became no image of their
    own, the first hundred of each.

    `elsewhere`: how many of its images stand in other datasets that you see too, by the dataset's
    name."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    dataset_id: int
    imported: int
    refused: list[Outcome]
    duplicates: list[Outcome]
    unchosen: list[Outcome]
    elsewhere: dict[str, int]


class ImportLine(TypedDict):
    """How far an import is; which files became no image of their own, it says itself."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    dataset_id: int
    imported: int


class ImportedFacts(TypedDict):
    """Ratings that this site neither blinded nor timed."""

    slug: str
    name: str
    origin: str
    file_name: str
    file_sha256: str
    created_at: str


class Input(TypedDict):
    page_size: NotRequired[int | None]
    cursor: NotRequired[str | None]


class InvitationFacts(TypedDict):
    """`url` is the link where no mail leaves this site, for a person who is new; else empty."""

    email: str
    is_new: bool
    is_sent: bool
    url: str


class InvitationsFacts(TypedDict):
    invitations: list[InvitationFacts]
    refusals: list[str]


class InvitedFacts(TypedDict):
    """`url` is the link where no mail reaches its person; else empty."""

    email: str
    role: Role
    is_sent: bool
    url: str


class JobFacts(TypedDict):
    """How far a job is. While it is queued or running, ask again after the seconds of `Retry-After`."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class KeyFacts(TypedDict):
    rater: str
    name: str
    email: str


class MachineReadingFacts(TypedDict):
    """How far a machine is: a model of this home by its `folder`, or a vision model by name."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    study: str
    folder: str
    model: str
    unsure: float


class Me(TypedDict):
    uuid: str
    name: str
    email: str
    role: str
    scopes: list[Scope]
    token: str
    token_expires_at: str


class MemberFacts(TypedDict):
    sentence: str


Modality = Literal["xray", "ct", "mri", "microscopy", "other"]


class ModelMemberFacts(TypedDict):
    sentence: str


class NewModel(TypedDict):
    name: NotRequired[str | None]


Origin = Literal["real", "synthetic"]


class Outcome(TypedDict):
    file: str
    reason: str
    same_as: str


class PagedBundleFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[BundleFacts]


class PagedCheckpointFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[CheckpointFacts]


class PagedCorrectedImageFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[CorrectedImageFacts]


class PagedCorrectionFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[CorrectionFacts]


class PagedDatasetEventFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[DatasetEventFacts]


class PagedDatasetFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[DatasetFacts]


class PagedEventFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[EventFacts]


class PagedGeneratedFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[GeneratedFacts]


class PagedGenerationFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[GenerationFacts]


class PagedHeldFileFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[HeldFileFacts]


class PagedImageFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[ImageFacts]


class PagedImportLine(TypedDict):
    previous: str | None
    next: str | None
    results: list[ImportLine]


class PagedImportedFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[ImportedFacts]


class PagedMachineReadingFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[MachineReadingFacts]


class PagedPersonFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[PersonFacts]


class PagedQualityLine(TypedDict):
    previous: str | None
    next: str | None
    results: list[QualityLine]


class PagedReleaseFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[ReleaseFacts]


class PagedSourceFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[SourceFacts]


class PagedStudyAuditFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[StudyAuditFacts]


class PagedStudyJobFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[StudyJobFacts]


class PagedStudyLine(TypedDict):
    previous: str | None
    next: str | None
    results: list[StudyLine]


class PagedTrainingFacts(TypedDict):
    previous: str | None
    next: str | None
    results: list[TrainingFacts]


class PagedUtilityLine(TypedDict):
    previous: str | None
    next: str | None
    results: list[UtilityLine]


class PeopleFilter(TypedDict):
    q: NotRequired[str | None]
    role: NotRequired[str | None]
    group: NotRequired[str | None]
    state: NotRequired[str | None]
    factor: NotRequired[str | None]


class PeopleInvitedFacts(TypedDict):
    invited: list[InvitedFacts]
    refused: list[str]


class PersonFacts(TypedDict):
    uuid: str
    email: str
    name: str
    role: Role
    state: str
    groups: list[str]
    has_app: bool
    has_passkey: bool
    last_login: str | None
    date_joined: str


class PersonSentence(TypedDict):
    """`url` is a new sign-in link where no mail reaches its person."""

    sentence: str
    url: NotRequired[str]


class Problem(TypedDict):
    """RFC 9457. `errors` names the fields, each with the sentences that the page would show beside it."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[dict[str, list[str]]]


class QualityFacts(TypedDict):
    """`results` is null until the report is made."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    candidate_id: int
    reference_id: int
    results: QualityResults | None


class QualityLine(TypedDict):
    """How far a report is; what was measured, it says itself."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    candidate_id: int
    reference_id: int


class RaterFacts(TypedDict):
    """`pace` is finished, reading, quiet or not begun, `way_in` how far an invitation has come; no
    labels, and no person."""

    number: int
    rater: str
    presentation_count: int
    rated_count: int
    last_rated_at: str | None
    withdrawn_at: str | None
    pace: str
    way_in: WayIn


class RaterSentence(TypedDict):
    sentence: str


class RecruitmentFacts(TypedDict):
    """`path` is that of the link, empty before anything is set; `arrived` how many have come by it."""

    is_open: bool
    places: int
    participant_name: str
    outer_study_name: str
    outer_session_name: str
    completion_url: str
    completion_code: str
    path: str
    arrived: int


class ReleaseFacts(TypedDict):
    """How far a release is; of one that is there its size and SHA-256, and the marks on each synthetic
    file."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    dataset_id: int
    image_format: str
    file_bytes: int | None
    sha256: str
    marks: str


Role = Literal["rater", "researcher", "admin"]


class ScheduleFacts(TypedDict):
    due_on: str | None
    days_before: int | None
    idle_days: int | None
    most: int


Scope = Literal["read", "write", "export", "people"]


class Sentence(TypedDict):
    sentence: str


class SeriesFacts(TypedDict):
    study: str
    series: str
    modality: str
    description: str
    body_part: str
    date: str
    number: str
    instances: int | None


class SettingsFacts(TypedDict):
    name: str
    contact: str
    privacy_text: str
    second_factor_roles: list[str]
    grace_days: int
    provisions_people: bool
    retention_months: int | None


class SourceFacts(TypedDict):
    """A source, without what it lets this site in by."""

    id: int
    name: str
    base_url: str
    authentication: str
    in_private_network: bool


State = Literal["draft", "frozen", "open", "closed", "unblinded"]


class StatementFacts(TypedDict):
    """One topic, its text (empty until somebody writes it), and the items of checklists that ask for
    it."""

    topic: str
    label: str
    text: str
    asked_for: list[str]


class StudyAuditFacts(TypedDict):
    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    verdict: str
    findings: list[Finding]
    study: str


class StudyFacts(TypedDict):
    """`not_frozen_because` and `not_open_because` say in sentences what it waits for."""

    slug: str
    name: str
    state: State
    rater_count: int
    presentation_count: int
    rated_count: int
    created_at: str
    protocol: Protocol
    manifest_sha256: str
    frozen_at: str | None
    opened_at: str | None
    closed_at: str | None
    unblinded_at: str | None
    not_frozen_because: list[str]
    not_open_because: list[str]
    freeze: JobFacts | None
    audit: AuditFacts | None


class StudyJobFacts(TypedDict):
    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    study: str


class StudyLine(TypedDict):
    slug: str
    name: str
    state: State
    rater_count: int
    presentation_count: int
    rated_count: int
    created_at: str


class TakenBackFacts(TypedDict):
    restored: int
    correction: CorrectionFacts


class TrainingFacts(TypedDict):
    """`conditions` say what the model is told of each image beside its finding, and of how many images
    that is unknown."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    name: str
    dataset_id: int
    config: dict[str, object]
    conditions: list[str]


class Upload(TypedDict):
    slices: NotRequired[str | None]
    with_sex_and_age: NotRequired[bool | None]
    url: NotRequired[str | None]
    made_with: NotRequired[str | None]
    model: NotRequired[str | None]
    prompt: NotRequired[str | None]
    source: NotRequired[str | None]
    labels: NotRequired[str | None]
    layout: NotRequired[str | None]
    columns: NotRequired[str | None]


class UtilityFacts(TypedDict):
    """`report` is null until the experiment is done."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    name: str
    real_id: int
    external_id: int | None
    config: dict[str, object]
    report: UtilityResults | None


class UtilityLine(TypedDict):
    """How far an experiment is; what came of it, it says itself."""

    id: int
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    done: int
    total: int
    percent: int
    message: str
    error: str
    seconds_left: float | None
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    name: str
    real_id: int
    external_id: int | None
    config: dict[str, object]


class VerificationFacts(TypedDict):
    is_whole: bool
    sentence: str
    discrepancies: list[str]
    head: str | None


WayIn = Literal["agreed", "opened", "mailed", "made", "lapsed", "none"]
