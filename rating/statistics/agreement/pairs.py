"""All pairs of raters at once: every two-way table from one product of the one-hot ratings with themselves."""

from dataclasses import dataclass

import numpy as np

from rating.statistics.agreement.cohen import Kappas, kappas
from rating.statistics.arrays import TINY, Codes, Floats, Ints, Singles
from rating.statistics.estimate import Estimate, from_influence

CHUNK = 16_384  # images per product: bounds memory, and keeps float32 counts exact


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every pair of raters: their indices (first < second), their tables (pairs, q, q) and their kappas."""

    first: Ints
    second: Ints
    tables: Floats
    kappas: Kappas


def pairwise(codes: Codes, q: int) -> Pairs:
    """Cohen's kappa of every pair of rows of `codes` (raters × images, -1 missing) over `q` labels."""
    first, second = np.triu_indices(len(codes), k=1)
    tables = cross_tables(codes, codes, q)[first, :, second, :]
    return Pairs(first, second, tables, kappas(tables))


def cross_tables(first: Codes | Ints, second: Codes | Ints, q: int) -> Floats:
    """How often a rater of `first` gave label k where one of `second` gave l: (raters, q, raters, q)."""
    gram = np.zeros((len(first) * q, len(second) * q))
    for start in range(0, first.shape[1], CHUNK):
        first_hot = one_hot(first[:, start : start + CHUNK], q)
        second_hot = first_hot if first is second else one_hot(second[:, start : start + CHUNK], q)
        gram += first_hot @ second_hot.T
    return gram.reshape(len(first), q, len(second), q)


def one_hot(codes: Codes | Ints, q: int) -> Singles:
    """float32, (raters·q) × images: 1 where that rater gave the image that label."""
    labels = np.arange(q, dtype=np.int8)
    hot: Singles = (codes[:, None, :] == labels[None, :, None]).astype(np.float32)
    return hot.reshape(len(codes) * q, codes.shape[1])


def light_kappa(codes: Codes, q: int, pairs: Pairs | None = None, confidence: float = 0.95) -> Estimate:
    """Light's kappa: the mean of Cohen's kappa over all pairs of raters for which it is defined (Light 1971).

    Standard error by the infinitesimal jackknife over images (the sum over pairs of each image's influence), which
    keeps the correlation between pairs that share a rater; Student's t with (images rated twice - 1) df.
    """
    pairs = pairwise(codes, q) if pairs is None else pairs
    k = pairs.kappas
    if not k.n.any():
        return Estimate.undefined("No two raters rated an image in common, so agreement cannot be measured.")
    if not k.defined.any():
        return Estimate.undefined("No pair of raters used more than one label, so kappa is undefined.")
    value = float(k.estimate[k.defined].mean())
    twice = (codes >= 0).sum(axis=0) >= 2
    images = int(twice.sum())
    if (k.observed[k.defined] > 1 - TINY).all():
        return Estimate(value, reason="The raters agreed on every image, so no standard error can be given.")
    return from_influence(value, images * _influence(codes[:, twice], q, pairs), confidence=confidence)


def _influence(codes: Codes, q: int, pairs: Pairs) -> Floats:
    """What each image adds to the mean of the kappas, (images,): one product over all pairs."""
    raters, k = len(codes), pairs.kappas
    part = k.influence / (np.maximum(k.n, 1) * k.defined.sum())[:, None, None]
    form = np.zeros((raters, q, raters, q), dtype=np.float32)
    form[pairs.first, :, pairs.second, :] = part
    square = form.reshape(raters * q, raters * q)
    starts = range(0, codes.shape[1], CHUNK)
    return np.concatenate([_quadratic(one_hot(codes[:, at : at + CHUNK], q), square) for at in starts])


def _quadratic(hot: Singles, form: Singles) -> Floats:
    return np.asarray(np.einsum("ai,ai->i", hot, form @ hot, dtype=np.float64), dtype=np.float64)
