"""What is known of a dataset that goes out: counted and read from its rows, for every description of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from pool.models import Dataset, Image, NearCopy, Origin
from pool.publication.rules import Licence, known_licence
from pool.registers.fool_rates_by_dataset import FoolRate, fool_rates, of_dataset
from pool.registers.image_flow import Flow, flow_of

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Counts by name; `copies_left_out` are near-copies of real images that a person has excluded."""

    dataset: Dataset
    date: date
    marks: str
    images: int
    findings: Counter[str]
    splits: Counter[str]
    sizes: Counter[str]
    depths: Counter[int]
    makers: Counter[str]
    prompts: Counter[str]
    seeds: int
    excluded: Counter[str]
    copies_left_out: int
    flow: Flow
    fool_rates: list[FoolRate]
    licence: Licence | None

    @property
    def is_synthetic(self) -> bool:
        return self.dataset.origin == Origin.SYNTHETIC

    @property
    def description(self) -> str:
        words = "Generated" if self.is_synthetic else "Real"
        summary = f"{words} images ({self.dataset.get_modality_display()}): {self.images}."
        return f"{self.dataset.description.strip()} {summary}".strip()

    @property
    def licence_words(self) -> str:
        return self.dataset.licence or "none is stated: nobody may use these images until one is"

    @property
    def keywords(self) -> list[str]:
        kind = ["synthetic data", "generated images"] if self.is_synthetic else []
        findings = [name for name in self.findings if name != UNKNOWN]
        return ["medical imaging", self.dataset.get_modality_display(), *kind, *findings][:20]


def facts_of(dataset: Dataset, images: list[Image], *, marks: str, today: date) -> ReleaseFacts:
    """What there is to say of these images of the dataset."""
    left_out = dataset.images.exclude(excluded_reason="")
    copies = NearCopy.objects.filter(image__in=left_out).values("image").distinct().count()
    return ReleaseFacts(
        dataset=dataset,
        date=today,
        marks=marks,
        images=len(images),
        findings=Counter(image.label or UNKNOWN for image in images),
        splits=Counter(image.split or "none" for image in images),
        sizes=Counter(f"{image.width} × {image.height}" for image in images),
        depths=Counter(image.bits for image in images),
        makers=Counter(maker_of(image) for image in images),
        prompts=Counter(
            str(image.provenance["prompt"]) for image in images if image.provenance.get("prompt")
        ),
        seeds=sum(image.provenance.get("seed") is not None for image in images),
        excluded=Counter(left_out.values_list("excluded_reason", flat=True)),
        copies_left_out=copies,
        flow=flow_of(dataset),
        fool_rates=fool_rates([dataset.pk]).get(of_dataset(dataset.pk), []),
        licence=known_licence(dataset.licence),
    )


def maker_of(image: Image) -> str:
    """What made a generated image, as its provenance says."""
    words = (image.provenance.get("engine"), image.provenance.get("model"))
    return ", ".join(str(word) for word in words if word) or UNKNOWN
