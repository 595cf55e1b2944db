"""Protocols to begin with: each fills the form for a new study, and says what it cannot measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

from pool.models import Dataset, Origin
from rating.studies.second_questions import checked


@dataclass(frozen=True, slots=True)
class Template:
    """`shares` are the images wanted, by modality and origin; an empty modality takes the first dataset there is."""

    key: str
    name: str
    says: str
    warning: str = ""
    protocol: Mapping[str, Any] = field(default_factory=dict)
    shares: tuple[tuple[str, str, int], ...] = ()

    def counts(self, person: Any) -> dict[int, int]:
        """How many images of which dataset: of each kind the largest that this person has made, else the largest."""
        counts: dict[int, int] = {}
        datasets = sorted(
            Dataset.objects.visible_to(person).with_usable_images(),
            key=lambda d: (d.created_by_id != person.pk, -d.usable_images, d.name),
        )
        for modality, origin, count in self.shares:
            fitting = (d for d in datasets if d.origin == origin and modality in {"", d.modality})
            if dataset := next(fitting, None):
                counts[dataset.pk] = min(count, dataset.usable_images)
        return counts


_FORCED = (
    "In a forced choice images are compared, not judged: it finds small differences, but says nothing of how a single "
    "image would be taken. There is no “unsure”, no fool rate and no AUC."
)
_FORCED_CHOICE = {
    "sought": "real",
    "primary_endpoint": "accuracy",
    "prevalence_note": "",
    "reasons": "",
    "going_back": "last",
}

TEMPLATES = {
    template.key: template
    for template in (
        Template(
            "balanced",
            "Balanced",
            "As many real images as generated ones, with repeats that show how steady a rater is.",
            protocol={
                "primary_endpoint": "accuracy",
                "repeats": 5,
                "repeat_gap": 12,
                "ask_confidence": True,
                "going_back": "none",
            },
            shares=(("", Origin.REAL, 20), ("", Origin.SYNTHETIC, 20)),
        ),
        Template(
            "spot-the-fake-lungs-2022",
            "“Spot the fake lungs” (2022)",
            "20 X-ray and 20 CT images, all generated; real, fake or unsure, and a remark.",
            warning=(
                "All images are generated: this protocol gives fool rates and agreement, but no specificity, d′ "
                "or AUC, and a rater who calls everything fake looks perfect. Add real images to measure whether "
                "raters can tell."
            ),
            protocol={
                "primary_endpoint": "fool rate",
                "unsure_policy": "exclude",
                "reasons": "",
                "repeats": 0,
                "prevalence_note": "",
            },
            shares=(("xray", Origin.SYNTHETIC, 20), ("ct", Origin.SYNTHETIC, 20)),
        ),
        Template(
            "two-phase",
            "Blinded to the purpose, then informed",
            "First raters look for anything unusual and are not told that images may be generated; then they are told, "
            "and call the same images real, fake or unsure in a new order.",
            warning=(
                "Mind what gives the purpose away before the first session: the study's name, the words of your invitation, "
                "what raters tell each other. Whoever finishes early knows what others do not know yet."
            ),
            protocol={
                "design": "two-phase",
                "primary_endpoint": "accuracy",
                "sessions": 2,
                "washout_days": 0,
                "going_back": "none",
            },
            shares=(("", Origin.REAL, 20), ("", Origin.SYNTHETIC, 20)),
        ),
        Template(
            "three-phase-2026",
            "Three phases (2026)",
            "First raters note diagnosis and image quality and are not told that images may be generated; then they are told "
            "and call the same images real, fake or unsure; then once more with clues of what to look for.",
            warning=(
                "Make the choices of the diagnosis the findings of your datasets, or no answer can be right. Mind what gives "
                "the purpose away before the first session: the study's name, the words of your invitation."
            ),
            protocol={
                "design": "two-phase",
                "primary_endpoint": "accuracy",
                "sessions": 3,
                "washout_days": 0,
                "going_back": "none",
                "ask_confidence": True,
                "clues": gettext_noop(
                    "Look for what generators get wrong: ribs and clavicles that do not join, vessels that end or cross "
                    "without reason, edges drawn too evenly, letters and markers that cannot be read."
                ),
                "second_questions": checked(
                    [
                        {
                            "code": "diagnosis",
                            "words": gettext_noop("What is your main finding?"),
                            "kind": "choice",
                            "choices": [
                                gettext_noop("normal"),
                                gettext_noop("pneumonia"),
                                gettext_noop("covid"),
                                gettext_noop("other"),
                            ],
                            "required": True,
                            "is_diagnosis": True,
                            "sessions": [1],
                        },
                        {
                            "code": "quality",
                            "words": gettext_noop("How good is the image?"),
                            "hint": gettext_noop("1 unusable, 5 excellent"),
                            "kind": "scale",
                            "required": True,
                            "sessions": [1],
                        },
                    ]
                ),
            },
            shares=(("", Origin.REAL, 20), ("", Origin.SYNTHETIC, 20)),
        ),
        Template(
            "pairs",
            "Pairs",
            "Two images side by side, one real and one generated: which one is real?",
            warning=_FORCED,
            protocol={
                **_FORCED_CHOICE,
                "design": "pair",
                "instructions": gettext_noop(
                    "Of the two images one is a real patient's and the other was made by a computer. "
                    "Say which one is real; if you cannot tell, guess. Then note what you see, in a few words."
                ),
            },
            shares=(("xray", Origin.REAL, 20), ("xray", Origin.SYNTHETIC, 20)),
        ),
        Template(
            "quartets",
            "Quartets",
            "Four images at a time, one real and three generated: which one is real?",
            warning=_FORCED,
            protocol={
                **_FORCED_CHOICE,
                "design": "quartet",
                "instructions": gettext_noop(
                    "Of the four images one is a real patient's and three were made by a computer. "
                    "Say which one is real; if you cannot tell, guess. Then note what you see, in a few words."
                ),
            },
            shares=(("xray", Origin.REAL, 10), ("xray", Origin.SYNTHETIC, 30)),
        ),
        Template(
            "arena",
            "Generator arena",
            "Images of two generators side by side, or of one beside a real image: which one looks more real?",
            warning=(
                "An arena ranks generators against each other. It has no right answers, so it says nothing of how often anybody "
                "is fooled; add real images as one of those compared to see how far the best is from them."
            ),
            protocol={
                "design": "arena",
                "primary_endpoint": "strength",
                "prevalence_note": "",
                "reasons": "",
                "going_back": "last",
                "repeats": 4,
                "repeat_gap": 8,
                "instructions": gettext_noop(
                    "Say which of the two images looks more like a real patient's. Any of them may be made by a computer, or both. "
                    "If both look alike to you, say so. Then note what you see, in a few words."
                ),
            },
            shares=(("xray", Origin.SYNTHETIC, 20), ("xray", Origin.REAL, 20)),
        ),
        Template(
            "test-retest",
            "Test and retest",
            "Every rater reads the same images twice, two weeks apart, each time in a new order.",
            protocol={
                "primary_endpoint": "agreement",
                "sessions": 2,
                "washout_days": 14,
                "going_back": "none",
                "ask_confidence": True,
            },
            shares=(("", Origin.REAL, 20), ("", Origin.SYNTHETIC, 20)),
        ),
        Template(
            "many-images",
            "Many images, shared out",
            "20 anchors read by everybody and the rest in four blocks, one for each rater in turn.",
            protocol={"primary_endpoint": "accuracy", "blocks": 4, "anchors": 20, "going_back": "none"},
            shares=(("", Origin.REAL, 100), ("", Origin.SYNTHETIC, 100)),
        ),
    )
}
