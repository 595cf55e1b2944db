"""The statistics of a visual Turing test: plain numpy and scipy, no Django.

One idea per file; these are the names to import from here. docs/reference/statistics.md has each with an example.
"""

from rating.statistics.accuracy.detection import detection
from rating.statistics.accuracy.diagnostic_accuracy import diagnostic_accuracy
from rating.statistics.accuracy.equivalence import tost
from rating.statistics.accuracy.roc import auc
from rating.statistics.agreement.alpha import alpha
from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.agreement.cohen import cohen
from rating.statistics.agreement.report import agreement_report, counts, notes
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.averages import area_over_raters, share_over_raters
from rating.statistics.mrmc.paired import cochran_q, holm_adjusted, mcnemar
from rating.statistics.planning import Pilot, images_for_kappa, images_for_power, reader_power
from rating.statistics.proportions import (
    clopper_pearson,
    difference,
    exact_test,
    paired_difference,
    wilson,
)
from rating.statistics.ratings_file import read_ratings
from rating.statistics.ratings_table import LABELS, RatingsError, RatingsTable

# In the order of the page: ratings and estimates, agreement, one rater, many raters, shares, tests, planning.
__all__ = [  # noqa: RUF022  (in the order of the page, not of letters)
    "LABELS",
    "RatingsError",
    "RatingsTable",
    "read_ratings",
    "Estimate",
    "agreement_report",
    "counts",
    "notes",
    "coefficients",
    "cohen",
    "alpha",
    "diagnostic_accuracy",
    "detection",
    "auc",
    "ustatistic",
    "area_over_raters",
    "share_over_raters",
    "wilson",
    "clopper_pearson",
    "difference",
    "paired_difference",
    "exact_test",
    "mcnemar",
    "cochran_q",
    "holm_adjusted",
    "tost",
    "images_for_kappa",
    "Pilot",
    "reader_power",
    "images_for_power",
]
