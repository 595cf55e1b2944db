"""Where a classifier looks: LIME and Grad-CAM maps of one test image, and how far two networks look at the same places.

LIME: Ribeiro, Singh & Guestrin 2016 (KDD), by the `lime` package; Grad-CAM: Selvaraju et al. 2017 (ICCV), by MONAI.
"""

from __future__ import annotations

import contextlib
import copy
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.classifiers.classifier import Classifier, as_input
from generation.classifiers.networks import CAM_LAYERS
from generation.classifiers.resampling import Floats

METHODS = ("lime", "grad-cam")
SEGMENTS = 40
TOP_SHARE = 0.2


def lime_map(
    classifier: Classifier, square: NDArray[np.uint8], number: int, *, samples: int, seed: int
) -> Floats:
    """How much each part of the image speaks for class `number`: (size, size), positive for, negative against."""
    from lime.lime_image import LimeImageExplainer
    from skimage.segmentation import slic

    colour = square if square.ndim == 3 else np.repeat(square[..., None], 3, axis=-1)
    parts = slic(colour, n_segments=SEGMENTS, compactness=10, sigma=1, start_label=0)

    def ask(images: NDArray[np.uint8]) -> Floats:
        return classifier.of_squares(images if classifier.description.colour else images[..., 0])

    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        explained = LimeImageExplainer(random_state=seed).explain_instance(
            colour,
            ask,
            labels=(number,),
            top_labels=None,
            hide_color=int(np.median(colour)),
            num_samples=samples,
            batch_size=32,
            segmentation_fn=lambda _: parts,
            random_seed=seed,
        )
    weights = np.zeros(int(parts.max()) + 1)
    for part, weight in explained.local_exp[number]:
        weights[part] = weight
    return np.asarray(weights[parts], dtype=np.float64)


def grad_cam_map(classifier: Classifier, square: NDArray[np.uint8], number: int) -> Floats:
    """Grad-CAM of class `number` at the last layer that has places: (size, size) from 0 to 1."""
    from monai import visualize

    monai_visualize: Any = visualize  # MONAI exports by star, which type checkers do not follow
    network = copy.deepcopy(classifier.network)  # its hooks would stay on ours
    cam = monai_visualize.GradCAM(
        network, CAM_LAYERS[classifier.description.architecture], postprocessing=lambda heat: heat
    )
    heat = cam(as_input(square[None], classifier.device), class_idx=number)
    values = np.asarray(heat[0, 0].detach().double().cpu().numpy(), dtype=np.float64)
    return values / (values.max() or 1.0)


@dataclass(frozen=True, slots=True)
class MapOverlap:
    """The IoU of two maps' highest fifths, and Spearman's correlation over the pixels."""

    iou: float | None = None
    spearman: float | None = None


def overlap(first_map: Floats, second_map: Floats) -> MapOverlap:
    """How far two maps agree: IoU of their highest fifths, and Spearman's correlation over the pixels.

    None where a map is even, so that it points nowhere.
    """
    from scipy.stats import spearmanr

    if np.ptp(first_map) < 1e-12 or np.ptp(second_map) < 1e-12:
        return MapOverlap()
    first, second = _highest(first_map), _highest(second_map)
    return MapOverlap(
        float((first & second).sum() / (first | second).sum()),
        float(spearmanr(first_map.ravel(), second_map.ravel()).statistic),
    )


def overlay(square: NDArray[np.uint8], heat: Floats) -> NDArray[np.uint8]:
    """The image with what speaks for the class in orange and what speaks against it in blue: (size, size, 3)."""
    base = square if square.ndim == 3 else np.repeat(square[..., None], 3, axis=-1)
    largest = np.abs(heat).max() or 1.0
    strength = (np.abs(heat) / largest)[..., None] * 0.6
    ink = np.where(heat[..., None] > 0, np.array([255.0, 140.0, 0.0]), np.array([40.0, 110.0, 255.0]))
    return np.asarray((1 - strength) * base + strength * ink, dtype=np.uint8)


def _highest(heat: Floats) -> NDArray[np.bool_]:
    """The fifth of the pixels with the highest values; more where values tie."""
    return np.asarray(heat >= np.quantile(heat, 1 - TOP_SHARE))
