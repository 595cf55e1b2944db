"""Forced choice: whether the place of the image looked for can be guessed from anything but the images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from scipy import stats

from rating.blinding.findings import Finding, Verdict

NAME = "Places in the sets"
USABLE = 0.1  # beyond guessing: so much better, and a rater may notice within a sitting
CERTAIN = 0.999
THIRDS = 3


@dataclass(frozen=True, slots=True)
class SetInOrder:
    """One set in one order: the place of the image looked for (0 first), and why it is shown."""

    place: int
    kind: str


Order = Sequence[SetInOrder]
Cue = Callable[[Order, int], Hashable]
# What a rater sees, or could count, before choosing.
CUES: dict[str, Cue] = {
    "always one place": lambda _order, _at: None,
    "the place before": lambda order, at: order[at - 1].place if at else None,
    "the two places before": lambda order, at: tuple(item.place for item in order[max(0, at - 2) : at]),
    "counting to two": lambda _order, at: at % 2,
    "counting to four": lambda _order, at: at % 4,
    "how far the sitting is": lambda order, at: at * THIRDS // len(order),
}


def check_places(orders: Sequence[Order], *, size: int, sought: str = "the image looked for") -> Finding:
    """Each rule by which a place could be guessed, learnt on one half of the sets shown and tried on the other."""
    shares = {cue: _guessed(orders, of) for cue, of in CUES.items()}
    detail = {"guessed": {cue: share for cue, (share, _) in shares.items()}, "chance": 1 / size}
    usable = {cue: share for cue, (share, at_least) in shares.items() if at_least > 1 / size + USABLE}
    if usable:
        cue = max(usable, key=usable.__getitem__)
        return Finding(
            NAME,
            Verdict.RED,
            f"Who goes by {cue} finds {sought} in {usable[cue]:.0%} of the sets; guessing finds {1 / size:.0%}.",
            "Copy the study and freeze the copy, so that every place is drawn anew.",
            detail,
        )
    counts = Counter(item.place for order in orders for item in order)
    counts_in_words = ", ".join(str(counts[place]) for place in range(size))
    return Finding(
        NAME,
        Verdict.GREEN,
        f"{sought[0].upper()}{sought[1:]} stands at the places {counts_in_words} times; no rule finds it usably better than guessing.",
        "",
        detail,
    )


def _guessed(orders: Sequence[Order], cue: Cue) -> tuple[float, float]:
    """The share that the best rule of this cue guesses, and what that share is at least, with near certainty."""
    every = [(cue(order, at), order[at].place) for order in orders for at in range(len(order))]
    learnt: dict[Hashable, Counter[int]] = defaultdict(Counter)
    halves = (
        [every[at] for at in range(len(every)) if at % 8 < 4],
        [every[at] for at in range(len(every)) if at % 8 >= 4],
    )
    for cue_value, place in halves[0]:
        learnt[cue_value][place] += 1
    rule = {cue_value: places.most_common(1)[0][0] for cue_value, places in learnt.items()}
    right = sum(rule.get(cue_value, 0) == place for cue_value, place in halves[1])
    n = len(halves[1])
    return (right / n, float(stats.beta.ppf(1 - CERTAIN, right, n - right + 1))) if right else (0.0, 0.0)
