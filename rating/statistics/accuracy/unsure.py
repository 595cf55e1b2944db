"""What an "unsure" is worth: the four policies, side by side, so that none is chosen in silence.

exclude: not counted; wrong: counted as a wrong call; right: as a right one; half: as half a right one (a coin toss).
Simel 1987, Shinkins 2013, STARD 2015 item 15. The primary policy is the study's, declared before unblinding.
"""

from collections.abc import Sequence

import numpy as np

from rating.statistics.arrays import Codes, Flags, Floats, Ints
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.mrmc.ustatistic import mean
from rating.statistics.ratings_table import RatingsError, RatingsTable

POLICIES = {"exclude": None, "wrong": 0.0, "right": 1.0, "half": 0.5}
UNKNOWN = -1


def truth_codes(table: RatingsTable, truth: Sequence[str]) -> Ints:
    """Each image's truth as a position in the labels, -1 where it is unknown (empty); raises RatingsError."""
    if len(truth) != len(table.images):
        raise RatingsError("The truth must be given for each image.")
    place = {label: code for code, label in enumerate(table.labels)} | {"": UNKNOWN}
    for word in set(truth):
        if word not in place or word == "unsure":
            raise RatingsError(f"The truth {word!r} is not one of real, fake.")
    return np.array([place[word] for word in truth], dtype=np.int64)


def correct(codes: Codes, truth: Ints, unsure: int | None, policy: str) -> tuple[Floats, Flags]:
    """How right each call is (raters × images, 0 … 1), and which calls count under the policy.

    unsure: the code of "unsure", None where the label set has none. Images of unknown truth count nowhere.
    """
    worth = POLICIES[policy]
    counted = (codes >= 0) & (truth >= 0)[None, :]
    right = (codes == truth[None, :]).astype(np.float64)
    if unsure is None:
        return right, counted
    doubt = codes == unsure
    if worth is None:
        return right, counted & ~doubt
    return np.where(doubt, worth, right), counted


def accuracy_by_policy(
    table: RatingsTable, truth: Sequence[str], only: str | None = None, confidence: float = 0.95
) -> dict[str, RandomMean]:
    """The share of right calls over raters and images like these under each policy.

    only: "fake" gives the sensitivity, "real" the specificity.
    """
    codes = truth_codes(table, truth)
    selection = codes >= 0 if only is None else codes == table.labels.index(only)
    calls, of_image = table.codes[:, selection], codes[selection]
    unsure = table.labels.index("unsure") if "unsure" in table.labels else None
    by_policy = {}
    for policy in POLICIES:
        right = correct(calls, of_image, unsure, policy)
        by_policy[policy] = mean(*right, confidence, these_raters=True)
    return by_policy
