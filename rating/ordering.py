"""Random orders of presentation: seeded, stratified by class, with bounded runs. No Django.

Drawing at every position from the classes in proportion to what is left of each gives every order
that keeps the bound a chance, while no rater meets a long run that would give the prevalence away.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from math import ceil

import numpy as np

VERSION = "bounded-runs/1"
MAX_RUN = 4


def seed_for(study_seed: int, rater: int, session: int) -> int:
    """A 63-bit seed for one sitting; raters and sessions of one study never share an order."""
    words = f"{VERSION}:{study_seed}:{rater}:{session}".encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big") >> 1


def smallest_run_bound(classes: Sequence[Hashable]) -> int:
    """The shortest longest run any order of these classes can have."""
    counts = Counter(classes).values()
    largest = max(counts, default=0)
    return ceil(largest / (len(classes) - largest + 1)) if classes else 0


def make_order(classes: Sequence[Hashable], seed: int, *, max_run: int = MAX_RUN) -> list[int]:
    """A permutation of `range(len(classes))` in which no class runs longer than the bound.

    `classes[i]` is the class of item i. Where `max_run` cannot be kept (all of one class, say), the
    smallest bound that can be kept is used instead.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    bound = max(max_run, smallest_run_bound(classes))
    members: dict[Hashable, list[int]] = {}
    for item, its_class in enumerate(classes):
        members.setdefault(its_class, []).append(item)
    for items in members.values():
        generator.shuffle(items)

    order: list[int] = []
    last: Hashable = None
    run = 0
    for _ in classes:
        left = {its_class: len(items) for its_class, items in members.items() if items}
        allowed = [c for c in left if _can_follow(c, left, last, run, bound)]
        weights = np.array([left[c] for c in allowed], dtype=float)
        chosen = allowed[int(generator.choice(len(allowed), p=weights / weights.sum()))]
        run = run + 1 if chosen == last else 1
        last = chosen
        order.append(members[chosen].pop())
    return order


def _can_follow(candidate: Hashable, left: dict[Hashable, int], last: Hashable, run: int, bound: int) -> bool:
    """Whether drawing this class now keeps the bound and leaves a rest that can keep it too."""
    run_after = run + 1 if candidate == last else 1
    if run_after > bound:
        return False
    total = sum(left.values()) - 1
    for its_class, count in left.items():
        remaining = count - (its_class == candidate)
        others = total - remaining
        room_before_others = bound - run_after if its_class == candidate else bound
        if remaining > room_before_others + bound * others:
            return False
    return True
