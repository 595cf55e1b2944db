"""What operations take.

Made by bench/client_code.py: change the API, then python -m bench.client_code --write.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Box(TypedDict):
    """A rectangle in pixels, from the image's upper left corner."""

    left: int
    top: int
    width: int
    height: int


class Bundle(TypedDict):
    with_images: NotRequired[bool | None]


class ClosingConfirmation(TypedDict):
    confirm: NotRequired[str | None]
    meaning: NotRequired[str | None]


class Confirmation(TypedDict):
    confirm: NotRequired[str | None]


class Corners(TypedDict):
    """A rectangle by its upper left corner and the pixel after its lower right one."""

    left: int
    top: int
    right: int
    bottom: int


class Correction(TypedDict):
    scope: NotRequired[str | None]
    field: NotRequired[str | None]
    value: NotRequired[str | None]
    reason: NotRequired[str | None]
    images: NotRequired[list[str] | None]


class Dataset(TypedDict):
    name: NotRequired[str | None]
    origin: NotRequired[str | None]
    modality: NotRequired[str | None]
    description: NotRequired[str | None]
    licence: NotRequired[str | None]
    citation: NotRequired[str | None]
    window: NotRequired[str | None]


class DatasetChange(TypedDict):
    name: NotRequired[str | None]
    modality: NotRequired[str | None]
    description: NotRequired[str | None]
    licence: NotRequired[str | None]
    citation: NotRequired[str | None]


class Decision(TypedDict):
    reason: NotRequired[str | None]
    decision: NotRequired[str | None]
    mask: NotRequired[list[Box | Corners] | None]


class DicomwebSource(TypedDict):
    name: NotRequired[str | None]
    base_url: NotRequired[str | None]
    authentication: NotRequired[str | None]
    user_name: NotRequired[str | None]
    in_private_network: NotRequired[bool | None]
    secret: NotRequired[str | None]


class DiffusionJob(TypedDict):
    total: NotRequired[int | None]
    dataset: NotRequired[int | None]
    new_dataset: NotRequired[str | None]
    seed: NotRequired[int | None]
    priority: NotRequired[int | None]
    preview: NotRequired[bool | None]
    what: NotRequired[str | None]
    steps: NotRequired[int | None]
    sampler: NotRequired[str | None]
    guidance: NotRequired[float | None]
    guidance_low: NotRequired[float | None]
    guidance_high: NotRequired[float | None]
    guidance_rescale: NotRequired[float | None]
    attributes: NotRequired[str | None]
    text: NotRequired[str | None]
    attribute_guidance: NotRequired[str | None]
    edit_of: NotRequired[int | None]
    edit_each: NotRequired[int | None]
    strength: NotRequired[float | None]
    region: NotRequired[str | None]
    mask: NotRequired[int | None]
    bits: NotRequired[int | None]
    precision: NotRequired[str | None]
    compile: NotRequired[str | None]


class DigestQuery(TypedDict):
    """`with_outcomes`: files that an import of this dataset has refused, or taken for duplicates, are
    missing again."""

    sha256: list[str]
    with_outcomes: NotRequired[bool]


class Discarding(TypedDict):
    reason: NotRequired[str | None]
    held_files: NotRequired[list[str] | None]


class Erasing(TypedDict):
    address: NotRequired[str | None]
    reason: NotRequired[str | None]


class FineTuning(TypedDict):
    extractors: NotRequired[list[str] | None]
    config_file: NotRequired[str | None]
    settings: NotRequired[str | None]
    name: NotRequired[str | None]
    dataset: NotRequired[int | None]
    pipeline: NotRequired[str | None]
    prompt: NotRequired[str | None]
    rank: NotRequired[int | None]
    size: NotRequired[int | None]
    steps: NotRequired[int | None]
    batch: NotRequired[int | None]
    learning_rate: NotRequired[float | None]
    seed: NotRequired[int | None]


class FreezeAgain(TypedDict):
    name: NotRequired[str | None]
    common_size: NotRequired[str | None]
    grey_range: NotRequired[str | None]
    burned_in: NotRequired[str | None]
    leave_out: NotRequired[bool | None]


class ImportedRatings(TypedDict):
    name: NotRequired[str | None]
    origin: NotRequired[str | None]
    file: NotRequired[str | None]
    truth_file: NotRequired[str | None]
    modality: NotRequired[str | None]
    session: NotRequired[str | None]
    real_words: NotRequired[str | None]
    fake_words: NotRequired[str | None]
    unsure_words: NotRequired[str | None]


class Invitations(TypedDict):
    emails: NotRequired[str | None]
    table: NotRequired[str | None]


class Machine(TypedDict):
    folder: NotRequired[str | None]
    model: NotRequired[str | None]
    unsure: NotRequired[float | None]


class Member(TypedDict):
    member: NotRequired[str | None]
    part: NotRequired[str | None]


class ModelMember(TypedDict):
    member: NotRequired[str | None]
    part: NotRequired[str | None]


class ModelName(TypedDict):
    name: NotRequired[str | None]


class OpenaiJob(TypedDict):
    total: NotRequired[int | None]
    dataset: NotRequired[int | None]
    new_dataset: NotRequired[str | None]
    seed: NotRequired[int | None]
    priority: NotRequired[int | None]
    preview: NotRequired[bool | None]
    prompt: NotRequired[str | None]
    prompt_list: NotRequired[str | None]
    modality: NotRequired[str | None]
    label: NotRequired[str | None]
    api_model: NotRequired[str | None]
    size: NotRequired[str | None]
    quality: NotRequired[str | None]
    edit_of: NotRequired[int | None]
    price: NotRequired[float | None]
    spend_cap: NotRequired[float | None]


class PeopleInvitations(TypedDict):
    emails: NotRequired[str | None]
    table: NotRequired[str | None]
    role: NotRequired[str | None]


class PersonActive(TypedDict):
    reason: NotRequired[str | None]


class PersonDetails(TypedDict):
    first_name: NotRequired[str | None]
    last_name: NotRequired[str | None]
    email: NotRequired[str | None]
    groups: NotRequired[str | None]
    reason: NotRequired[str | None]


class PersonFactor(TypedDict):
    reason: NotRequired[str | None]


class PersonLink(TypedDict):
    reason: NotRequired[str | None]


class PersonRole(TypedDict):
    role: NotRequired[str | None]
    reason: NotRequired[str | None]


class PhantomJob(TypedDict):
    total: NotRequired[int | None]
    dataset: NotRequired[int | None]
    new_dataset: NotRequired[str | None]
    seed: NotRequired[int | None]
    priority: NotRequired[int | None]
    preview: NotRequired[bool | None]
    modality: NotRequired[str | None]
    label: NotRequired[str | None]
    size: NotRequired[int | None]
    stand_in: NotRequired[bool | None]


class PipelineJob(TypedDict):
    total: NotRequired[int | None]
    dataset: NotRequired[int | None]
    new_dataset: NotRequired[str | None]
    seed: NotRequired[int | None]
    priority: NotRequired[int | None]
    preview: NotRequired[bool | None]
    prompt: NotRequired[str | None]
    prompt_list: NotRequired[str | None]
    modality: NotRequired[str | None]
    label: NotRequired[str | None]
    api_model: NotRequired[str | None]
    negative_prompt: NotRequired[str | None]
    size: NotRequired[int | None]
    steps: NotRequired[int | None]
    sampler: NotRequired[str | None]
    guidance: NotRequired[float | None]
    lora: NotRequired[str | None]
    lora_scale: NotRequired[float | None]


class Protocol(TypedDict):
    name: NotRequired[str | None]
    design: NotRequired[str | None]
    sought: NotRequired[str | None]
    must_choose: NotRequired[bool | None]
    match_findings: NotRequired[bool | None]
    contender: NotRequired[str | None]
    opponent: NotRequired[str | None]
    instructions: NotRequired[str | None]
    prevalence_note: NotRequired[str | None]
    first_instructions: NotRequired[str | None]
    clues: NotRequired[str | None]
    consent: NotRequired[str | None]
    withdrawal: NotRequired[str | None]
    canvas: NotRequired[int | None]
    bits: NotRequired[int | None]
    slices: NotRequired[int | None]
    common_size: NotRequired[str | None]
    grey_range: NotRequired[str | None]
    burned_in: NotRequired[str | None]
    ask_confidence: NotRequired[bool | None]
    require_confidence: NotRequired[bool | None]
    reasons: NotRequired[str | None]
    second_questions: NotRequired[list[dict[str, object]] | None]
    going_back: NotRequired[str | None]
    debriefing: NotRequired[str | None]
    ask_usability: NotRequired[bool | None]
    ask_correction_reason: NotRequired[bool | None]
    marks: NotRequired[bool | None]
    display_check: NotRequired[str | None]
    fixed_zoom: NotRequired[bool | None]
    fixed_window: NotRequired[bool | None]
    hold_ahead: NotRequired[int | None]
    break_after: NotRequired[int | None]
    sessions: NotRequired[int | None]
    washout_days: NotRequired[int | None]
    repeats: NotRequired[int | None]
    repeat_gap: NotRequired[int | None]
    blocks: NotRequired[int | None]
    anchors: NotRequired[int | None]
    primary_endpoint: NotRequired[str | None]
    unsure_policy: NotRequired[str | None]
    equivalence_margin: NotRequired[float | None]
    pseudonyms_only: NotRequired[bool | None]
    four_eyes: NotRequired[bool | None]
    signatures: NotRequired[bool | None]
    strata: NotRequired[list[StratumBody] | None]


class Quality(TypedDict):
    candidate: NotRequired[int | None]
    reference: NotRequired[int | None]
    split: NotRequired[str | None]
    most: NotRequired[int | None]
    seed: NotRequired[int | None]
    extractors: NotRequired[list[str] | None]


class RaterAct(TypedDict):
    """`email` names who takes the place of a rater who is replaced."""

    reason: NotRequired[str]
    email: NotRequired[str]


class Reason(TypedDict):
    reason: NotRequired[str | None]


class RecruitmentBody(TypedDict):
    is_open: NotRequired[bool | None]
    places: NotRequired[int | None]
    participant_name: NotRequired[str | None]
    outer_study_name: NotRequired[str | None]
    outer_session_name: NotRequired[str | None]
    completion_url: NotRequired[str | None]
    completion_code: NotRequired[str | None]


class Redaction(TypedDict):
    rater: NotRequired[str | None]
    image: NotRequired[str | None]
    session: NotRequired[int | None]
    reason: NotRequired[str | None]


class Release(TypedDict):
    image_format: NotRequired[str | None]


class RemovalReason(TypedDict):
    reason: NotRequired[str | None]


class Review(TypedDict):
    index: NotRequired[int | None]
    decision: NotRequired[str | None]
    reason: NotRequired[str | None]


class ScheduleBody(TypedDict):
    due_on: NotRequired[str | None]
    days_before: NotRequired[int | None]
    idle_days: NotRequired[int | None]
    most: NotRequired[int | None]


class SeriesChoice(TypedDict):
    slices: NotRequired[str | None]
    with_sex_and_age: NotRequired[bool | None]
    chosen_series: NotRequired[list[str] | None]


class SeriesQuery(TypedDict):
    first_date: NotRequired[str | None]
    last_date: NotRequired[str | None]
    modality: NotRequired[str | None]
    body_part: NotRequired[str | None]
    patient: NotRequired[str | None]
    study: NotRequired[str | None]
    series: NotRequired[str | None]


class Signature(TypedDict):
    meaning: NotRequired[str | None]


class SiteSettings(TypedDict):
    name: NotRequired[str | None]
    contact: NotRequired[str | None]
    privacy_text: NotRequired[str | None]
    second_factor_roles: NotRequired[list[str] | None]
    grace_days: NotRequired[int | None]
    provisions_people: NotRequired[bool | None]
    retention_months: NotRequired[int | None]


class SourceConfirmation(TypedDict):
    confirm: NotRequired[str | None]


class Statements(TypedDict):
    title: NotRequired[str | None]
    abstract: NotRequired[str | None]
    background: NotRequired[str | None]
    aims: NotRequired[str | None]
    ethics: NotRequired[str | None]
    registration: NotRequired[str | None]
    sample_size: NotRequired[str | None]
    collection: NotRequired[str | None]
    datasets: NotRequired[str | None]
    patients: NotRequired[str | None]
    acquisition: NotRequired[str | None]
    deidentification: NotRequired[str | None]
    raters: NotRequired[str | None]
    models: NotRequired[str | None]
    checkpoint_choice: NotRequired[str | None]
    prompts: NotRequired[str | None]
    machines: NotRequired[str | None]
    external_data: NotRequired[str | None]
    failures: NotRequired[str | None]
    limitations: NotRequired[str | None]
    implications: NotRequired[str | None]
    fairness: NotRequired[str | None]
    protocol: NotRequired[str | None]
    availability: NotRequired[str | None]
    funding: NotRequired[str | None]
    interests: NotRequired[str | None]


class StratumBody(TypedDict):
    """So many images of a dataset, named or by its number, and if given of one finding."""

    dataset: int | str
    label: NotRequired[str]
    role: NotRequired[Literal["main", "practice", "probe"]]
    count: int


class StudyMember(TypedDict):
    member: NotRequired[str | None]
    part: NotRequired[str | None]


class Training(TypedDict):
    extractors: NotRequired[list[str] | None]
    config_file: NotRequired[str | None]
    settings: NotRequired[str | None]
    name: NotRequired[str | None]
    dataset: NotRequired[int | None]
    preset: NotRequired[str | None]
    parent: NotRequired[int | None]
    size: NotRequired[int | None]
    steps: NotRequired[int | None]
    batch: NotRequired[int | None]
    by_finding: NotRequired[bool | None]
    attributes: NotRequired[str | None]
    attribute_table: NotRequired[str | None]
    text: NotRequired[str | None]
    text_encoder: NotRequired[str | None]
    text_dropout: NotRequired[float | None]
    text_tokens: NotRequired[int | None]
    seed: NotRequired[int | None]


class TrainingLonger(TypedDict):
    more_steps: NotRequired[int | None]


class Unblinding(TypedDict):
    reason: NotRequired[str | None]
    meaning: NotRequired[str | None]


class Utility(TypedDict):
    name: NotRequired[str | None]
    real: NotRequired[int | None]
    synthetic: NotRequired[list[int] | None]
    external: NotRequired[int | None]
    generator: NotRequired[str | None]
    per_class: NotRequired[int | None]
    preset: NotRequired[str | None]
    architectures: NotRequired[list[str] | None]
    seeds: NotRequired[int | None]
    steps: NotRequired[int | None]
    labels: NotRequired[str | None]
    without_copies: NotRequired[bool | None]
    further_arms: NotRequired[list[str] | None]
    subgroups: NotRequired[str | None]
    seed: NotRequired[int | None]
    settings: NotRequired[str | None]


class WhyDelete(TypedDict):
    reason: NotRequired[str | None]


class WhyJoin(TypedDict):
    reason: NotRequired[str | None]


class WhyReason(TypedDict):
    reason: NotRequired[str | None]


class WhyRemove(TypedDict):
    reason: NotRequired[str | None]


class Window(TypedDict):
    window: NotRequired[str | None]
    name: NotRequired[str | None]
