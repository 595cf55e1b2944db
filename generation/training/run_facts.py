"""What is written down of a run when it starts, key by key: its model cards state it."""

from __future__ import annotations

from typing import TypedDict

from generation.metrics.checkpoint_metrics import ExtractorJSON


class ImageCounts(TypedDict):
    images: int
    patients: int
    labels: dict[str, int]


class DataFacts(TypedDict):
    """What was learned from, as it was that day."""

    dataset: str
    modality: str
    licence: str
    citation: str
    split: str
    training: ImageCounts
    held_out: ImageCounts
    training_sha256: str


class MachineFacts(TypedDict):
    """The hardware and the programs."""

    device: str
    cpu: str
    cores: int
    threads: int
    versions: dict[str, str]
    git: str


class PipelineFacts(TypedDict, total=False):
    """Which pipeline a fine-tuning began with."""

    pipeline: str
    pipeline_sha256: str


class ParentFacts(TypedDict, total=False):
    """Whose weights a run started with."""

    parent: str
    parent_step: int
    parent_sha256: str


class DataChange(TypedDict):
    """Other training images from a step on, as a run went on after its dataset had changed."""

    step: int
    images: int
    training_sha256: str


class RunFacts(DataFacts, MachineFacts, PipelineFacts, ParentFacts):
    extractor: ExtractorJSON
    further_extractors: list[ExtractorJSON]
    samples_measured: int
    data_changes: list[DataChange]
