"""A small classifier told real from fake, asked only about images it has not seen: how easily a machine tells.

Logistic regression on standardised features (an extractor's, and the grey levels and spectrum), cross-validated in
folds that never part a group: one patient's images, or near-copies of one another, stand on one side together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FOLDS = 5
STRENGTH = 0.1  # the inverse of the penalty on weights: few images, many features
RESAMPLES = 400
LEVEL = 0.95
CELLS = 8


class TooFewToTellError(ValueError):
    """No cross-validation is possible; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class MachineRater:
    """What it said of each image when it had not seen it: the chance, 0 to 1, that the image is a fake.

    `classifiers` and `fold` say which of them judged an image, so that it can be asked again about parts of it.
    """

    chance: Floats
    fold: Numbers
    classifiers: list[Any]

    def of_part(self, place: int, features: Floats) -> Floats:
        """The chances of changed versions of one image, by the classifier that has not seen it."""
        return np.asarray(self.classifiers[self.fold[place]].predict_proba(features)[:, 1])


def rate(features: Floats, fake: Flags, groups: Numbers, *, seed: int = 0) -> MachineRater:
    """Cross-validate on features (images × dimensions). Raises TooFewToTellError."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fewest = min(len(np.unique(groups[fake])), len(np.unique(groups[~fake])))
    if fewest < FOLDS:
        raise TooFewToTellError(
            f"The machine rater needs {FOLDS} patients or unlike images in each arm; one arm has {fewest}."
        )
    chance, fold, classifiers = np.empty(len(fake)), np.empty(len(fake), dtype=np.int64), []
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(split.split(features, fake, groups)):
        classifier = make_pipeline(
            StandardScaler(), LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
        )
        classifier.fit(features[train], fake[train])
        chance[test], fold[test] = classifier.predict_proba(features[test])[:, 1], number
        classifiers.append(classifier)
    return MachineRater(chance, fold, classifiers)


def auc_with_interval(
    chance: Floats, fake: Flags, groups: Numbers, *, seed: int = 0
) -> tuple[float, tuple[float, float] | None]:
    """The AUC and its interval, a bootstrap over groups: images of one group are not independent.

    Arms told apart without a mistake are so in every resample: that has no width, and is no interval.
    """
    names, group = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(seed)
    resampled = []
    for _ in range(RESAMPLES):
        weight = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))[group]
        if weight[fake].any() and weight[~fake].any():
            resampled.append(_auc(chance, fake, weight))
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return _auc(chance, fake, np.ones(len(fake))), (float(low), float(high)) if low < high else None


def _auc(chance: Floats, fake: Flags, weight: npt.NDArray[Any]) -> float:
    """The weighted share of pairs in which the fake has the higher chance, ties half."""
    values, place = np.unique(chance, return_inverse=True)
    real_here = np.bincount(place, weight * ~fake, minlength=len(values))
    fake_here = np.bincount(place, weight * fake, minlength=len(values))
    below = np.cumsum(real_here) - real_here / 2
    return float(fake_here @ below / (fake_here.sum() * real_here.sum()))


def occlusion_map(
    image: npt.NDArray[np.uint8],
    chance_of: Callable[[list[npt.NDArray[np.uint8]]], Floats],
    *,
    cells: int = CELLS,
) -> Floats:
    """Where the rater looks: how far the chance of “fake” falls when a part of the image is blurred away.

    A map of cells × cells, positive where a part speaks for “fake” (Zeiler and Fergus 2014, with a blur in place
    of a grey patch, which would itself look artificial).
    """
    from scipy.ndimage import gaussian_filter

    side = image.shape[0]
    blur = (side / cells, side / cells, 0)[: image.ndim]
    blurred = gaussian_filter(image.astype(np.float64), blur)
    edges = np.linspace(0, side, cells + 1).astype(int)
    versions = [image]
    for row in range(cells):
        for column in range(cells):
            mask = np.zeros((side, side))
            mask[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = 1
            soft = gaussian_filter(mask, side / cells / 4)
            soft = soft[..., None] if image.ndim == 3 else soft
            versions.append(np.rint(image * (1 - soft) + blurred * soft).astype(np.uint8))
    chances = chance_of(versions)
    return np.asarray(chances[0] - chances[1:].reshape(cells, cells))
