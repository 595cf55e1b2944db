"""Random orders of presentation: seeded, stratified, with bounded runs and spaced repeats. No Django.

The order is cut into stretches of about 24 images; every stratum (modality × origin × finding) is spread
evenly over the stretches, so that neither learning nor tiredness meets one stratum more than another. Within
a stretch the order is random, so that what comes next cannot be guessed from what came before, except that
no run of one origin passes the bound. Repeats are put in afterwards, each a minimum gap behind its first
showing.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

VERSION = "stratified-runs/2"
MAX_RUN = 4
STRETCH = 24
TRIES = 16


class ImpossibleOrderError(ValueError):
    """No order keeps these rules; the message is a sentence that says which."""


@dataclass(frozen=True, slots=True)
class Showing:
    """One place in an order: which item, and whether it has been shown before."""

    item: int
    is_repeat: bool = False


def seed_for(study_seed: int, rater: int, session: int, attempt: int = 1) -> int:
    """A 63-bit seed for one sitting; raters, sessions and attempts of one study never share an order."""
    words = f"{VERSION}:{study_seed}:{rater}:{session}:{attempt}".encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big") >> 1


def smallest_run_bound(classes: Sequence[Hashable]) -> int:
    """The shortest longest run any order of these classes can have."""
    counts = Counter(classes).values()
    largest = max(counts, default=0)
    return ceil(largest / (len(classes) - largest + 1)) if classes else 0


def deal(strata: Sequence[Hashable], seed: int, *, anchors: int, blocks: int) -> list[int]:
    """A block for each item: 0 for the anchors that everybody reads, else 1…blocks.

    Anchors and blocks hold every stratum in proportion, and the blocks differ in size by one at most.
    """
    if not 0 <= anchors <= len(strata) or blocks < 1:
        raise ImpossibleOrderError(
            f"{anchors} of {len(strata)} images cannot be anchors beside {blocks} blocks."
        )
    generator = _generator(seed)
    grouped = _grouped(strata, generator)
    start = generator.random()
    anchor_places = {int((k + start) * len(strata) / anchors) for k in range(anchors)}
    block_of = [0] * len(strata)
    rest = (item for place, item in enumerate(grouped) if place not in anchor_places)
    for place, item in enumerate(rest):
        block_of[item] = place % blocks + 1
    return block_of


def placements(sets: int, size: int, seed: int) -> list[list[int]]:
    """For each set the members in the order shown, 0 being the one looked for.

    That one stands at every place equally often, give or take one, and where it stands depends on nothing but the
    seed; the others fill the places left in random order.
    """
    generator = np.random.Generator(np.random.Philox([seed, size]))
    start = int(generator.integers(size))
    orders = []
    for number in generator.permutation(sets).tolist():
        order = (generator.permutation(size - 1) + 1).tolist()
        order.insert((number + start) % size, 0)
        orders.append(order)
    return orders


def make_order(
    classes: Sequence[Hashable],
    seed: int,
    *,
    strata: Sequence[Hashable] | None = None,
    repeats: int = 0,
    gap: int = 0,
    max_run: int = MAX_RUN,
    again: Sequence[Hashable] | None = None,
) -> list[Showing]:
    """Every item once, in random order, and `repeats` of them a second time.

    `classes[i]` is what must not run long (the origin), `strata[i]` what is spread evenly (the class, if not
    given); `again[i]` is the class at a second showing, where that is another. Between an image and its repeat stand `gap` others at least. Where `max_run` cannot be kept (all
    of one class, say), the smallest bound found is used instead. Raises ImpossibleOrderError where the gap
    cannot be kept.
    """
    if repeats and repeats > len(classes) - gap:
        raise ImpossibleOrderError(
            f"{repeats} repeats with {gap} images between do not fit into {len(classes)} images."
        )
    generator = _generator(seed)
    mixed = _evenly_mixed(strata or classes, generator, stretches=max(1, round(len(classes) / STRETCH)))
    alone = len(classes) + repeats if len(set(classes)) == 1 else 0
    bound = max(max_run, smallest_run_bound(classes), alone)
    first = _with_bounded_runs(mixed, classes, bound)
    if not repeats:
        return [Showing(item) for item in first]
    while True:
        for _ in range(TRIES):
            order = _with_repeats(
                first, (classes, again or classes), generator, repeats=repeats, gap=gap, bound=bound
            )
            if order is not None:
                return order
        bound += 1


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def _members(strata: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    members: dict[Hashable, list[int]] = {}
    for item, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(item)
    return members


def _grouped(strata: Sequence[Hashable], generator: np.random.Generator) -> list[int]:
    """Every item, stratum after stratum, shuffled within its own."""
    return [
        items[place]
        for items in _members(strata).values()
        for place in generator.permutation(len(items)).tolist()
    ]


def _evenly_mixed(strata: Sequence[Hashable], generator: np.random.Generator, *, stretches: int) -> list[int]:
    """Every item; each stretch holds of every stratum its share, give or take one, in random order."""
    if not strata:
        return []
    keys = np.empty(len(strata))
    for items in _members(strata).values():
        n = len(items)
        places = generator.permutation(n) + generator.random()
        keys[items] = np.floor(places * stretches / n) + generator.random(n)
    return [int(item) for item in np.argsort(keys, kind="stable")]


def _with_bounded_runs(preferred: Sequence[int], classes: Sequence[Hashable], bound: int) -> list[int]:
    """The preferred order, changed only where a run would pass the bound: then the next of another class."""
    queues: dict[Hashable, list[int]] = {}  # places in the preferred order, the next one last
    for place in range(len(preferred) - 1, -1, -1):
        queues.setdefault(classes[preferred[place]], []).append(place)
    order: list[int] = []
    last: Hashable = None
    run = 0
    while queues:
        candidates = sorted(queues, key=lambda its_class: queues[its_class][-1])
        if len(candidates) > 1 or run >= bound:
            counts = {its_class: len(places) for its_class, places in queues.items()}
            candidates = [c for c in candidates if _can_follow(c, counts, last, run, bound)]
        chosen = candidates[0]
        order.append(preferred[queues[chosen].pop()])
        if not queues[chosen]:
            del queues[chosen]
        run = run + 1 if chosen == last else 1
        last = chosen
    return order


def _can_follow(
    candidate: Hashable, counts: dict[Hashable, int], last: Hashable, run: int, bound: int
) -> bool:
    """Whether drawing this class now keeps the bound and leaves a rest that can keep it too."""
    run_after = run + 1 if candidate == last else 1
    if run_after > bound:
        return False
    total = sum(counts.values()) - 1
    for its_class, count in counts.items():
        remaining = count - (its_class == candidate)
        other_classes = total - remaining
        room_before_others = bound - run_after if its_class == candidate else bound
        if remaining > room_before_others + bound * other_classes:
            return False
    return True


def _with_repeats(
    first: Sequence[int],
    classes: tuple[Sequence[Hashable], Sequence[Hashable]],
    generator: np.random.Generator,
    *,
    repeats: int,
    gap: int,
    bound: int,
) -> list[Showing] | None:
    """The order with second showings put in, or None where this draw of them breaks the bound.

    They go in from the back, so that a place not reached yet is still the first order's own, and whatever
    goes in later only widens the gaps.
    """
    n = len(first)
    picks = generator.permutation(n - gap)[:repeats].tolist()
    waiting = [(-int(generator.integers(pick + gap + 1, n + 1)), pick) for pick in picks]
    heapq.heapify(waiting)
    order = [Showing(item) for item in first]
    while waiting:
        slot, pick = heapq.heappop(waiting)
        slot, soonest = -slot, pick + gap + 1
        repeat = Showing(first[pick], is_repeat=True)
        if _run_with(order, slot, classes, repeat) <= bound:
            order.insert(slot, repeat)
        elif slot > soonest:
            heapq.heappush(waiting, (-int(generator.integers(soonest, slot)), pick))
        else:
            return None
    return order


def _run_with(
    order: Sequence[Showing], slot: int, classes: tuple[Sequence[Hashable], Sequence[Hashable]], new: Showing
) -> int:
    """How long the run becomes that the showing joins when put before `slot`; classes: first and second showing."""

    def class_of(showing: Showing) -> Hashable:
        return classes[showing.is_repeat][showing.item]

    before, after = slot, slot
    while before > 0 and class_of(order[before - 1]) == class_of(new):
        before -= 1
    while after < len(order) and class_of(order[after]) == class_of(new):
        after += 1
    return after - before + 1
