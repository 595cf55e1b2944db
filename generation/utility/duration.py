"""How long the classifiers of an experiment take, by those that were trained here; no guess where none was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from generation.utility.arms import FINE_TUNED
from generation.utility.config import PRETRAINED, UtilityConfig
from jobs.how_long.estimate import in_words


@dataclass(frozen=True, slots=True)
class MeasuredFit:
    """A classifier that was trained here: what it is, by which settings, and in how many seconds."""

    arm: str
    architecture: str
    config: UtilityConfig
    seconds: float

    @property
    def pace(self) -> float:
        """Seconds for one pixel in one step."""
        return self.seconds / pixels(self.arm, self.config)


@dataclass(frozen=True, slots=True)
class Duration:
    """Of so many classifiers, by so many that were measured; None where a network of them never was."""

    seconds: float | None
    classifiers: int
    measured: int
    never_measured: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        if self.seconds is None:
            names = " or ".join(self.never_measured)
            return f"How long it takes is not known: no classifier of {names} was measured here yet."
        return (
            f"About {in_words(self.seconds)} for {self.classifiers:,} classifiers, by the last {self.measured:,} of these "
            "networks trained here. The search for copies before, and maps and report after, are not counted."
        )


def pixels(arm: str, config: UtilityConfig) -> int:
    """Pixels drawn in all steps of a classifier of this arm."""
    return _turns(arm) * config.steps * config.batch * config.size**2


def _turns(arm: str) -> int:
    """How many times the steps of an experiment an arm makes."""
    return 2 if arm == FINE_TUNED else 1


def duration(config: UtilityConfig, arms: Sequence[str], fits: Iterable[MeasuredFit]) -> Duration:
    """Of these arms with each architecture and seed: the median pace of an architecture's fits, by steps, batch and size."""
    paces: dict[str, list[float]] = {architecture: [] for architecture in config.architectures}
    for fit in fits:
        paces[fit.architecture].append(fit.pace)
    number = len(arms) * len(paces) * config.seeds
    never = tuple(architecture for architecture, of in paces.items() if not of)
    measured = sum(map(len, paces.values()))
    if never:
        return Duration(None, number, measured, never)
    work = config.seeds * sum(pixels(arm, config) for arm in arms)
    return Duration(work * sum(map(median, paces.values())), number, measured)


def seconds_to_go(config: UtilityConfig, total: int, fits: Iterable[tuple[str, str, float]]) -> float | None:
    """What is left of a run of `total` classifiers by its own fits (arm, architecture, seconds).

    None before each of its architectures has been trained once.
    """
    architectures = dict.fromkeys(config.architectures)
    arms = total // max(1, len(architectures) * config.seeds)
    turns = config.seeds * (arms + (PRETRAINED in config.further_arms))
    done: dict[str, list[tuple[int, float]]] = {name: [] for name in architectures}
    for arm, architecture, seconds in fits:
        done[architecture].append((_turns(arm), seconds))
    if not arms or not all(done.values()):
        return None
    return sum(_left(turns, of) for of in done.values())


def _left(turns: int, done: Sequence[tuple[int, float]]) -> float:
    made = sum(number for number, _ in done)
    return max(0, turns - made) * median(seconds / number for number, seconds in done)


def last_fits(rows: Iterable[tuple[str, str, Mapping[str, object], float]]) -> list[MeasuredFit]:
    """Rows of (arm, architecture, the experiment's config, seconds) as they are stored."""
    return [
        MeasuredFit(arm, architecture, UtilityConfig.from_mapping(config), seconds)
        for arm, architecture, config, seconds in rows
    ]
