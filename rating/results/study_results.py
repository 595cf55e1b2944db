"""Every number of a study's report, typed from the statistics to page, report, CSV and JSON."""

from __future__ import annotations

from dataclasses import dataclass

from rating.results.display_names import counted
from rating.statistics.accuracy.auc_by_generator import AucByKind
from rating.statistics.accuracy.diagnostic_accuracy import RaterAccuracy
from rating.statistics.accuracy.fool_rate import FoolRates
from rating.statistics.accuracy.forced_choice import ForcedChoice
from rating.statistics.accuracy.indistinguishable import EquivalenceTests
from rating.statistics.accuracy.machines import MachineResults
from rating.statistics.agreement.homogeneity import PairHabits
from rating.statistics.agreement.intra import PooledSelfAgreement, SelfAgreement
from rating.statistics.agreement.report import AgreementReport, RaterCounts
from rating.statistics.arena.results import ArenaResults
from rating.statistics.estimate import Estimate
from rating.statistics.marks import MarkResults
from rating.statistics.mrmc.averages import BothMethods
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.mrmc.rater_tests import ChanceTest, RaterDifferences
from rating.statistics.order_effects import Experience, OrderEffects, TimesPerCase
from rating.statistics.second_answers import SecondResults
from rating.statistics.usability import Usability

BLINDED = "This depends on which images are real: unblind the study to see it."


@dataclass(frozen=True, slots=True)
class IntraRater:
    """Each rater's agreement with their own earlier answers: of repeats within the session, and of the next session.

    The pooled ones are of all raters together.
    """

    repeats: tuple[SelfAgreement, ...]
    next_session: tuple[SelfAgreement, ...]
    repeats_pooled: PooledSelfAgreement
    next_session_pooled: PooledSelfAgreement


@dataclass(frozen=True, slots=True)
class FirstPhaseRater:
    """What one rater called the images while the purpose was hidden, and how many remarks speak of generated images."""

    rater: str
    images: int
    usual: int
    unusual: int
    unsure: int
    remarks: int


@dataclass(frozen=True, slots=True)
class FirstPhaseRemark:
    rater: str
    image: str
    remark: str


@dataclass(frozen=True, slots=True)
class UnusualCalls:
    """The share called unusual of the fakes and of the real images, over raters and images like these."""

    fake: RandomMean
    real: RandomMean
    difference: RandomMean


@dataclass(frozen=True, slots=True)
class FirstPhase:
    """The purpose-blinded phase; unusual is None while the study is blinded."""

    raters: tuple[FirstPhaseRater, ...]
    noticed: Estimate
    remarks: tuple[FirstPhaseRemark, ...]
    unusual: UnusualCalls | None


@dataclass(frozen=True, slots=True)
class PolicyResults:
    """What one policy for “unsure” makes of the calls; fool_rate: one less the sensitivity."""

    policy: str
    fool_rate: RandomMean
    accuracy: RandomMean
    sensitivity: RandomMean
    specificity: RandomMean


@dataclass(frozen=True, slots=True)
class Areas:
    """The AUC averaged over raters: by the U-statistic, by Obuchowski and Rockette, and over confidence."""

    u_statistic: RandomMean
    or_hillis: RandomMean
    confidence: RandomMean


@dataclass(frozen=True, slots=True)
class Averages:
    """Shares averaged over raters, each by both methods."""

    fool_rate: BothMethods
    sensitivity: BothMethods
    specificity: BothMethods


@dataclass(frozen=True, slots=True)
class RocCurve:
    rater: str
    false_alarms: tuple[float, ...]
    hits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PrimaryResult:
    """The declared endpoint's result: what it is of, how it was made, and what may be concluded."""

    endpoint: str
    name: str
    estimate: Estimate
    raters: int
    images: int
    ratings: int
    method: str
    verdict: str

    @property
    def sizes(self) -> str:
        """Of how many raters, images and ratings it is, in words."""
        unit = {"strength": "pair", "found": "set"}.get(self.endpoint, "image")
        numbers = ((self.raters, "rater"), (self.images, unit), (self.ratings, "rating"))
        return ", ".join(counted(number, noun) for number, noun in numbers)


@dataclass(frozen=True, slots=True)
class SessionResults:
    """The declared accuracy and the fool rate of one session."""

    session: int
    accuracy: RandomMean
    fool_rate: RandomMean


@dataclass(frozen=True, slots=True)
class TruthResults:
    """What depends on the truth; only: why an all-fake study has no specificity, d′ or AUC."""

    fakes: int
    reals: int
    only: str | None
    per_rater: tuple[RaterAccuracy, ...]
    counts: dict[str, RaterCounts]
    fool_rate: RandomMean
    by_modality: FoolRates
    by_generator: FoolRates
    by_checkpoint: FoolRates
    policies: tuple[PolicyResults, ...]
    auc: Areas
    averages: Averages
    auc_by_kind: AucByKind
    curves: tuple[RocCurve, ...]
    chance: tuple[ChanceTest, ...]
    raters_differ: RaterDifferences
    equivalence: EquivalenceTests
    experience: Experience
    by_session: tuple[SessionResults, ...]

    def policy(self, name: str) -> PolicyResults:
        """What this policy makes of the calls."""
        return next(row for row in self.policies if row.policy == name)


@dataclass(frozen=True, slots=True)
class StudyResults:
    """The report of one session; None is what the study does not ask, or what depends on a truth not known yet."""

    sessions: tuple[int, ...]
    session: int
    policy: str
    endpoint: str
    agreement: AgreementReport
    notes: tuple[str, ...]
    random_raters: dict[str, Estimate]
    pair_habits: tuple[PairHabits, ...]
    conger_kappa: Estimate
    unanimous: Estimate
    by_label: dict[str, Estimate]
    on_the_scale: dict[str, Estimate] | None
    counts: RaterCounts
    counts_by_modality: dict[str, RaterCounts]
    intra: IntraRater
    confidence: dict[str, dict[str, list[int]]] | None
    times: TimesPerCase
    order_effects: OrderEffects | None
    forced_choice: ForcedChoice | None
    arena: ArenaResults | None
    truth: TruthResults | None
    machines: tuple[MachineResults, ...]
    first_phase: FirstPhase | None
    second: tuple[SecondResults, ...]
    marks: MarkResults | None
    usability: Usability | None
    methods: dict[str, str]
    versions: dict[str, str]
    primary: PrimaryResult | None

    @property
    def policy_origin(self) -> str:
        """Whether the policy for “unsure” was declared, in words; ratings made elsewhere declared no endpoint and no policy."""
        return "as declared" if self.endpoint else "as nobody declared otherwise"

    @property
    def shows_sets(self) -> bool:
        """Whether raters saw several images at once and said which."""
        return self.forced_choice is not None or self.arena is not None

    @property
    def known_truth(self) -> TruthResults:
        """What depends on the truth; raises ValueError while that is not known."""
        if self.truth is None:
            raise ValueError(BLINDED)
        return self.truth
