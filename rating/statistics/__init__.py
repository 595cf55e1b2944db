"""The statistics of a visual Turing test: plain numpy, scipy and statsmodels, no Django.

One idea per file; this is what the rest of LungRater calls.
"""

from rating.statistics.agreement.report import agreement_report, counts, notes
from rating.statistics.ratings_file import read_ratings
from rating.statistics.ratings_table import LABELS, RatingsError, RatingsTable

__all__ = ["LABELS", "RatingsError", "RatingsTable", "agreement_report", "counts", "notes", "read_ratings"]
