"""Signal detection: how well a rater tells fake from real (d′), and which way they lean (criterion).

Signal is a fake image, a hit is a fake called fake, a false alarm a real one called fake.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from rating.statistics.estimate import Estimate, t_interval

UNBOUNDED = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Detection:
    """d′ and the criterion c (above 0: slow to say fake), each with the Gourevitch-Galanter standard error."""

    d: Estimate
    criterion: Estimate


@dataclass(frozen=True, slots=True)
class TwoCuts:
    """The two operating points of three answers, each by one cut for both kinds of image.

    fake: “fake” against the rest; fake_or_unsure: “fake” or “unsure” against “real”. A policy that counts “unsure” as
    right or as wrong would put the cut elsewhere for fakes than for real images, and give an always unsure rater a d′.
    """

    fake: Detection
    fake_or_unsure: Detection


def two_cuts(on_fake: Mapping[str, int], on_real: Mapping[str, int], confidence: float = 0.95) -> TwoCuts:
    """Both operating points from the numbers of each label on fakes and on real images."""
    signal, noise = sum(on_fake.values()), sum(on_real.values())
    points = [(on_fake.get("fake", 0), on_real.get("fake", 0))]
    points.append((points[0][0] + on_fake.get("unsure", 0), points[0][1] + on_real.get("unsure", 0)))
    return TwoCuts(
        *(detection(hits, signal, alarms, noise, confidence=confidence) for hits, alarms in points)
    )


def detection(
    hits: float,
    signal: int,
    false_alarms: float,
    noise: int,
    *,
    correction: str = "loglinear",
    confidence: float = 0.95,
) -> Detection:
    """d′ = z(H) - z(F) and c = -(z(H) + z(F)) / 2.

    The log-linear correction (Hautus 1995: half a hit and half a miss added, for all raters alike) keeps both finite;
    `correction="none"` leaves the rates as they are. Standard errors: Gourevitch & Galanter 1967.

    >>> result = detection(15, 20, 5, 20, correction="none")  # 2 z(0.75), and no leaning
    >>> round(result.d.estimate, 4), abs(result.criterion.estimate)
    (1.349, 0.0)
    """
    if not (signal and noise):
        missing = "real" if signal else "fake"
        return _undefined(f"There are no {missing} images, so d′ and the criterion do not exist.")
    if correction == "loglinear":
        h, f = (hits + 0.5) / (signal + 1), (false_alarms + 0.5) / (noise + 1)
    else:
        h, f = hits / signal, false_alarms / noise
    if not (0 < h < 1 and 0 < f < 1):
        return _undefined("A rate is 0 or 1, so d′ is infinite without a correction.")
    zh, zf = float(scipy.stats.norm.ppf(h)), float(scipy.stats.norm.ppf(f))
    variance = h * (1 - h) / (signal * scipy.stats.norm.pdf(zh) ** 2) + f * (1 - f) / (
        noise * scipy.stats.norm.pdf(zf) ** 2
    )
    se = float(np.sqrt(variance))
    return Detection(_normal(zh - zf, se, confidence), _normal(-(zh + zf) / 2, se / 2, confidence))


def _normal(value: float, se: float, confidence: float) -> Estimate:
    return Estimate(value, se, t_interval(value, se, np.inf, confidence=confidence, bounds=UNBOUNDED))


def _undefined(reason: str) -> Detection:
    return Detection(Estimate.undefined(reason), Estimate.undefined(reason))
