"""A model in a folder as a rater: a classifier of ours, or TorchScript that gives the probability of fake.

TorchScript: `model.pt` takes one image as a float tensor (1, 1, side, side) with values from 0 to 1 and gives either
one number, the logit of fake, or one per class. Beside it may lie `machine.json`:
{"side": 224, "channels": 1, "output": "logits" or "probabilities", "fake": 1, "name": "…"}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np

from generation.torchscript.scripted_model import ScriptedModel, ScriptError
from pool.canonical.pixels import fitted_square
from rating.reading.machine_raters import ImagePixels, Opinion, opinion_of

FAKE = ("fake", "synthetic", "generated")
SCRIPT, ABOUT_IT = "model.pt", "machine.json"
OUTPUTS = ("logits", "probabilities")


class NotAModelError(ValueError):
    """The folder has no model that can rate; the message says what it lacks."""


class AboutScript(TypedDict):
    """What a TorchScript file cannot say of itself."""

    side: int
    channels: int
    output: str
    fake: int
    name: str


@dataclass(frozen=True)
class FolderLooker:
    """A model's probability that an image is fake, as an opinion."""

    name: str
    facts: Mapping[str, object]
    p_fake: Callable[[ImagePixels], float]
    unsure: float = 0.0

    def look(self, image: ImagePixels) -> Opinion:
        return opinion_of(self.p_fake(image), self.unsure)


def looker_of(folder: Path, *, unsure: float = 0.0) -> FolderLooker:
    """The model of this folder, ready to look. Raises NotAModelError."""
    if (folder / SCRIPT).is_file():
        model, weights = _script(folder), folder / SCRIPT
    elif (folder / "config.json").is_file():
        model, weights = _classifier(folder), folder / "model.safetensors"
    else:
        raise NotAModelError(
            f"{folder} has neither {SCRIPT} (TorchScript) nor the config.json of a classifier trained here."
        )
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    # Another threshold is another rater: the two must never mix in one set of ratings.
    how = f"{digest[:8]}, unsure within {unsure:g}" if unsure else digest[:8]
    facts = {**model.facts, "sha256": digest, "unsure": unsure}
    return FolderLooker(f"{model.name} ({how})", facts, model.p_fake, unsure)


def _classifier(folder: Path) -> FolderLooker:
    from generation.classifiers.classifier import ClassifierError, load

    try:
        classifier = load(folder)
    except ClassifierError as error:
        raise NotAModelError(str(error)) from error
    classes = classifier.classes
    fake = [place for place, name in enumerate(classes) if name.lower() in FAKE]
    if not fake:
        raise NotAModelError(
            f"The classifier tells {', '.join(classes)} apart, and none of these is {' or '.join(FAKE)}."
        )

    def p_fake(image: ImagePixels) -> float:
        return float(classifier.probabilities([image])[0, fake].sum())

    name = f"classifier {classifier.description.architecture}"
    return FolderLooker(name, {"classes": list(classes)}, p_fake)


def _script(folder: Path) -> FolderLooker:
    about = _about(folder)
    try:
        model = ScriptedModel(folder / SCRIPT)
    except ScriptError as error:
        raise NotAModelError(f"{folder / SCRIPT} is not TorchScript that can be used: it {error}.") from error
    side, colour, fake = about["side"], about["channels"] == 3, about["fake"]

    def p_fake(image: ImagePixels) -> float:
        square = fitted_square(image, side=side, colour=colour)
        shaped = square[None] if square.ndim == 2 else np.moveaxis(square, -1, 0)
        try:
            output = model.run(shaped.astype(np.float32)[None] / np.float32(255))
            scores = np.asarray(output, dtype=np.float64).reshape(-1)
            probability = _probability(scores, fake, are_logits=about["output"] == "logits")
        except (ScriptError, IndexError) as error:
            raise NotAModelError(
                f"{folder / SCRIPT} cannot look at an image of {side} × {side}: {error}"
            ) from error
        if not 0 <= probability <= 1:
            raise NotAModelError(
                f"{folder / SCRIPT} gave {probability:.3g} for a probability; say in {ABOUT_IT} that it gives logits."
            )
        return probability

    # A model that cannot take the image it says it takes is refused before anybody is enrolled.
    p_fake(np.zeros((side, side), dtype=np.uint8))
    name, facts = about["name"], {key: value for key, value in about.items() if key != "name"}
    return FolderLooker(name, facts, p_fake)


def _about(folder: Path) -> AboutScript:
    usual: AboutScript = {
        "side": 224,
        "channels": 1,
        "output": "logits",
        "fake": 1,
        "name": folder.resolve().name,
    }
    path = folder / ABOUT_IT
    if not path.is_file():
        return usual
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAModelError(f"{path} is not JSON.") from error
    if not isinstance(settings, dict) or set(settings) - set(usual):
        raise NotAModelError(f"{path} may say {', '.join(usual)} and nothing else.")
    about = cast("AboutScript", {**usual, **settings})
    numbers = all(isinstance(about[name], int) for name in ("side", "channels", "fake"))
    if not numbers or about["output"] not in OUTPUTS or about["channels"] not in {1, 3}:
        raise NotAModelError(
            f"{path}: side and fake are whole numbers, channels is 1 or 3, and output one of {', '.join(OUTPUTS)}."
        )
    return about


def _probability(scores: Any, fake: int, *, are_logits: bool) -> float:
    """The probability of fake from what a model gives: one number, or one per class."""
    if len(scores) == 1:
        return float(1 / (1 + np.exp(-scores[0]))) if are_logits else float(scores[0])
    if are_logits:
        odds = np.exp(scores - scores.max())
        scores = odds / odds.sum()
    return float(scores[fake])
