"""Agreement that holds beyond the raters at hand: the images' variance and the raters' together.

Gwet's unconditional variance (Handbook of Inter-Rater Reliability, 2014, ch. 5): the sampling of images by the
linearised formula, the sampling of raters by a jackknife that leaves out one rater at a time.
"""

import numpy as np

from rating.statistics.agreement.coefficients import COEFFICIENTS, Items
from rating.statistics.agreement.pairs import Pairs, light_kappa, pairwise
from rating.statistics.arrays import TINY, Floats
from rating.statistics.estimate import Estimate, t_interval
from rating.statistics.ratings_table import RatingsTable

TOO_FEW = "With fewer than three raters nothing can be said of raters like them: these raters only."
FRAGILE = (
    "Without one of the raters the coefficient is undefined, so nothing can be said of raters like these."
)


def random_raters(
    table: RatingsTable, confidence: float = 0.95, pairs: Pairs | None = None
) -> dict[str, Estimate]:
    """Every coefficient with the standard error for raters and images like these, by name.

    pairs: those of `table.rated()`, where they are known already.
    """
    rated, q = table.rated(), len(table.labels)
    pairs = pairwise(rated.codes, q) if pairs is None else pairs
    counts = rated.category_counts()
    estimates = {"light_kappa": light_kappa(rated.codes, q, pairs, confidence)}
    without: dict[str, list[float | None]] = {"light_kappa": []}
    if len(counts):
        items = Items.of(counts)
        estimates |= {name: coefficient(items, confidence) for name, coefficient in COEFFICIENTS.items()}
        without |= {name: [] for name in COEFFICIENTS}
    if len(rated.raters) < 3:
        return {name: _only_these(value, TOO_FEW) for name, value in estimates.items()}
    for rater, codes in enumerate(rated.codes):
        without_rater = (pairs.first != rater) & (pairs.second != rater) & pairs.kappas.defined
        without["light_kappa"].append(
            float(pairs.kappas.estimate[without_rater].mean()) if without_rater.any() else None
        )
        remainder = Items.of(counts - (codes[:, None] == np.arange(q)))
        for name, coefficient in COEFFICIENTS.items():
            without[name].append(coefficient(remainder, confidence).estimate)
    images = len(rated.images)
    return {
        name: _widened(value, without[name], images, confidence, name) for name, value in estimates.items()
    }


def _widened(
    estimates: Estimate, without: list[float | None], images: int, confidence: float, name: str
) -> Estimate:
    if estimates.estimate is None or estimates.se is None:
        return estimates
    if any(value is None for value in without):
        return _only_these(estimates, FRAGILE)
    values: Floats = np.array(without, dtype=np.float64)
    raters = len(values)
    of_images, of_raters = (
        estimates.se**2,
        float((raters - 1) / raters * ((values - values.mean()) ** 2).sum()),
    )
    total = of_images + of_raters
    # Satterthwaite: few raters make the interval wide even where images are many.
    df = total**2 / (of_images**2 / (images - 1) + max(of_raters, TINY) ** 2 / (raters - 1))
    se = float(np.sqrt(total))
    bounds = (0.0, 1.0) if name == "percent_agreement" else (-1.0, 1.0)
    return Estimate(
        estimates.estimate, se, t_interval(estimates.estimate, se, df, confidence=confidence, bounds=bounds)
    )


def _only_these(estimates: Estimate, reason: str) -> Estimate:
    return Estimate(estimates.estimate, reason=estimates.reason if estimates.estimate is None else reason)
