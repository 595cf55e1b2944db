"""What studies, reports and experiments found.

Made by bench/client_code.py: change the API, then python -m bench.client_code --write.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class AgreementReport(TypedDict):
    """The agreement on all images and on each group of them: the `lungrater agreement --json`
    contract."""

    raters: int
    images: int
    ratings: int
    labels: list[str]
    coefficients: dict[str, Estimate]
    pairs: list[PairAgreement]
    by: dict[str, GroupAgreement]


class Areas(TypedDict):
    """The AUC averaged over raters: by the U-statistic, by Obuchowski and Rockette, and over
    confidence."""

    u_statistic: RandomMean
    or_hillis: RandomMean
    confidence: RandomMean


class ArenaResults(TypedDict):
    """standing is None while the study is blinded."""

    answers: int
    pairs: int
    ties: int
    sides: list[SidesChosen]
    left: RandomMean
    standing: Standing | None


class ArmScores(TypedDict):
    """One arm of one architecture: how many images it was trained on, and how it did on the test
    images."""

    arm: str
    architecture: str
    real: int
    synthetic: int
    scores: dict[str, SeededEstimate]
    by_class: dict[str, dict[str, SeededEstimate]]
    confusion: list[list[int]]
    reliability: list[ConfidenceBin]
    budget: TrainedFor | None


class AucByKind(TypedDict):
    """The AUC averaged over raters of all fakes, of each generator's, and of each modality's."""

    overall: RandomMean
    by_generator: AucsByGroup
    by_modality: AucsByGroup


class AucDifference(TypedDict):
    """The first group's AUC less the second's; reals_in_common: the real images that both are held
    against."""

    first: str
    second: str
    reals_in_common: int
    difference: Estimate
    method: str
    p: float | None | None
    p_holm: float | None | None


class AucOfGroup(TypedDict):
    """The AUC of one group's fakes against the real images of the same modalities; numbers of images
    that were rated."""

    name: str
    fakes: int
    reals: int
    area: RandomMean


class AucsByGroup(TypedDict):
    """The AUC of every group of one kind, and their differences in pairs."""

    groups: list[AucOfGroup]
    differences: list[AucDifference]


class Averages(TypedDict):
    """Shares averaged over raters, each by both methods."""

    fool_rate: BothMethods
    sensitivity: BothMethods
    specificity: BothMethods


class BothMethods(TypedDict):
    """A number averaged over raters by both methods."""

    u_statistic: RandomMean
    or_hillis: RandomMean


class CalibrationJSON(TypedDict):
    """From which similarity on an image counts as a copy, and how that rule did on images it had not
    seen."""

    threshold: float | None
    false_alarms: int
    checked: int
    caught: int
    planted: int
    reason: str


class ChanceTest(TypedDict):
    """One rater's decided calls against guessing.

    p: the exact binomial test against one in two, which takes for granted that half of the images
    are fake; p_table:
    Fisher's exact test of call by truth, which holds for any share of fakes and any leaning of the
    rater."""

    rater: str
    right: int
    n: int
    p: float | None | None
    p_holm: float | None | None
    p_table: float | None | None
    p_table_holm: float | None | None


class ChoiceAccuracy(TypedDict):
    """What depends on the truth: each rater, all raters, and each place."""

    raters: list[RaterChoices]
    over_raters: RandomMean
    by_place: list[PlaceCounts]


class ClassifierMcNemar(TypedDict):
    """How many images only the first, and only the second gets right; `reason` says why there is no p."""

    only_first: int
    only_second: int
    p: float | None | None
    reason: str | None


class CochranQ(TypedDict):
    """Cochran's Q with its degrees of freedom and p; None with a reason where every image says the
    same."""

    q: float | None | None
    df: int
    p: float | None | None
    reason: str | None


class Cohen(TypedDict):
    """One pair of raters: kappa, and its test against 0 (se0, z, two-sided p; None where undefined)."""

    n: int
    percent_agreement: float | None | None
    kappa: Estimate
    se0: float | None | None
    z: float | None | None
    p: float | None | None


class ConfidenceBin(TypedDict):
    """The images about which a classifier was about so sure: how sure, how often right, how many."""

    confidence: float | None
    accuracy: float | None
    images: int


class Contest(TypedDict):
    """Two generators: how often each was chosen over the other, and by how much the model has the
    first ahead."""

    first: str
    second: str
    first_chosen: int
    second_chosen: int
    tied: int
    these_raters: Difference
    raters_like_these: Difference


class CurvePoint(TypedDict):
    """The headline's score by how many synthetic images there were."""

    estimate: float | None | None
    ci: tuple[float | None, float | None] | None
    sd_of_seeds: float | None | None
    reason: str | None
    architecture: str
    synthetic: int


class DeLong(TypedDict):
    """The first AUC less the second; `reason` says why there is no p."""

    difference: float | None
    z: float | None | None
    p: float | None | None
    reason: str | None


class Detection(TypedDict):
    """d′ and the criterion c (above 0: slow to say fake), each with the Gourevitch-Galanter standard
    error."""

    d: Estimate
    criterion: Estimate


class Difference(TypedDict):
    """Log odds that the first is chosen over the second where one is; p of none by Wald's t test, also
    by Holm.

    share: the same as a probability. df: of the t distribution."""

    log_odds: Estimate
    share: Estimate
    df: float | None | None
    p: float | None | None
    p_holm: float | None | None


class DistancesJSON(TypedDict):
    n_real: NotRequired[int]
    n_fake: NotRequired[int]
    fid: NotRequired[float | None]
    kid: NotRequired[float | None]
    fid_interval: NotRequired[tuple[float | None, float | None] | None]
    kid_interval: NotRequired[tuple[float | None, float | None] | None]


class DuplicateCounts(TypedDict):
    real: int
    fake: int


class Duplicates(TypedDict):
    real: list[list[str]]
    fake: list[list[str]]


class EndpointTest(TypedDict):
    """One endpoint against its margin: low and high are the margin around what a guesser has."""

    of: str
    estimate: Estimate
    method: str
    low: float | None
    high: float | None
    test: Equivalence


class Equivalence(TypedDict):
    """The two one-sided p values, the larger of them, the 1 - 2·alpha interval, and whether it lies in
    the margin."""

    p_low: float | None | None
    p_high: float | None | None
    p: float | None | None
    ci: tuple[float | None, float | None] | None
    equivalent: bool | None
    reason: str | None


class EquivalenceTests(TypedDict):
    """The tests against the declared margin, the declared endpoint's first; none, with the reason,
    without a margin."""

    margin: float | None | None
    tests: list[EndpointTest]
    reason: str | None


class Estimate(TypedDict):
    """A value, its standard error and its confidence interval; what is undefined is None and `reason`
    says why."""

    estimate: float | None | None
    se: float | None | None
    ci: tuple[float | None, float | None] | None
    reason: str | None


class Experience(TypedDict):
    """Whether years of reading, or knowing AI, go with the share called right."""

    years: Estimate
    ai_knowledge: Estimate
    raters: list[RaterProfile]


class ExplanationOverlap(TypedDict):
    """How far the maps of the networks trained on synthetic and on real images agree, the mean over
    images."""

    architecture: str
    method: str
    images: int
    iou: float | None | None
    spearman: float | None | None


class ExternalTest(TypedDict):
    """The same classifiers on real images of elsewhere that nothing was trained on, by the same
    numbers."""

    dataset: str
    images: dict[str, int]
    test_images: int
    test_patients: int
    headline: Headline
    arms: list[ArmScores]
    gaps: list[Gap]
    falls: list[Fall]
    subgroups: list[SubgroupGap]


class ExtractorDistancesJSON(TypedDict):
    """The distances by one extractor; `floor` is real images against real ones."""

    n_real: NotRequired[int]
    n_fake: NotRequired[int]
    fid: NotRequired[float | None]
    kid: NotRequired[float | None]
    fid_interval: NotRequired[tuple[float | None, float | None] | None]
    kid_interval: NotRequired[tuple[float | None, float | None] | None]
    floor: NotRequired[DistancesJSON]
    extractor: NotRequired[ExtractorJSON]


class ExtractorJSON(TypedDict):
    name: str
    sha256: str
    dimensions: int
    recipe_sha256: NotRequired[str]


class Fall(TypedDict):
    """One arm of one architecture: each score on the test split less that on the external test set."""

    arm: str
    architecture: str
    scores: dict[str, SeededEstimate]


class FirstPhase(TypedDict):
    """The purpose-blinded phase; unusual is None while the study is blinded."""

    raters: list[FirstPhaseRater]
    noticed: Estimate
    remarks: list[FirstPhaseRemark]
    unusual: UnusualCalls | None


class FirstPhaseRater(TypedDict):
    """What one rater called the images while the purpose was hidden, and how many remarks speak of
    generated images."""

    rater: str
    images: int
    usual: int
    unusual: int
    unsure: int
    remarks: int


class FirstPhaseRemark(TypedDict):
    """FirstPhaseRemark(rater: 'str', image: 'str', remark: 'str')"""

    rater: str
    image: str
    remark: str


class FoolRateOfGroup(TypedDict):
    """The fool rate of one group of fakes; fid, kid and machine_auc: the mean of what machines
    measured, if anything."""

    name: str
    images: int
    ratings: int
    called_real: int
    rate: RandomMean
    fid: float | None | None
    kid: float | None | None
    machine_auc: float | None | None


class FoolRates(TypedDict):
    """The fool rate of every group of one kind (generator, checkpoint, modality), and their
    differences in pairs."""

    groups: list[FoolRateOfGroup]
    differences: list[GroupDifference]


class ForcedChoice(TypedDict):
    """size: images per set; accuracy is None while the study is blinded."""

    size: int
    chance: float | None
    places: list[PlacesChosen]
    accuracy: ChoiceAccuracy | None


class Gap(TypedDict):
    """An arm less “real only” of the same architecture."""

    arm: str
    architecture: str
    scores: dict[str, SeededEstimate]
    mcnemar: ClassifierMcNemar
    delong: dict[str, DeLong]


class GroupAgreement(TypedDict):
    """The agreement on some images."""

    raters: int
    images: int
    ratings: int
    labels: list[str]
    coefficients: dict[str, Estimate]
    pairs: list[PairAgreement]


class GroupDifference(TypedDict):
    """The first group less the second, the p of there being no difference, and that p adjusted by
    Holm.

    difference and p: over raters like these, of two raters for these two; method says which and
    how."""

    first: str
    second: str
    difference: Estimate
    method: str
    p: float | None | None
    p_holm: float | None | None


class Headline(TypedDict):
    """The gap between training on synthetic and on real images; `score` names the one that is quoted."""

    score: str
    architectures: list[str]
    balanced_accuracy: HeadlineScore
    accuracy: HeadlineScore


class HeadlineScore(TypedDict):
    """One score, the mean over architectures: trained on synthetic, on real, and the first less the
    second."""

    mean: SeededEstimate
    synthetic: SeededEstimate
    real: SeededEstimate


class Homogeneity(TypedDict):
    """Tests of equal use of the labels (Stuart-Maxwell, Bhapkar) and of symmetry (Bowker); None with a
    reason."""

    stuart_maxwell: float | None | None
    df: int | None
    stuart_maxwell_p: float | None | None
    bhapkar: float | None | None
    bhapkar_p: float | None | None
    bowker: float | None | None
    bowker_df: int | None
    bowker_p: float | None | None
    reason: str | None


class ImportedFile(TypedDict):
    """What the numbers are of, and that this site neither blinded nor timed it."""

    name: str
    notice: str
    where_from: str
    file: str
    sha256: str
    imported_at: str


class ImportedResults(TypedDict):
    """Every number of ratings made elsewhere; without a truth the agreement alone."""

    imported: ImportedFile
    results: StudyResults


class Indices(TypedDict):
    """Of a 2 × 2 table: prevalence (a - d) / n, bias (b - c) / n; kappa = (PABAK - PI² + BI²) / (1 -
    PI² + BI²)."""

    prevalence: float | None
    bias: float | None


class IntraRater(TypedDict):
    """Each rater's agreement with their own earlier answers: of repeats within the session, and of the
    next session.

    The pooled ones are of all raters together."""

    repeats: list[SelfAgreement]
    next_session: list[SelfAgreement]
    repeats_pooled: PooledSelfAgreement
    next_session_pooled: PooledSelfAgreement


class MachineResults(TypedDict):
    """One machine: its labels, how often it agrees with most raters, and, where the truth is known,
    its accuracy."""

    rater: str
    name: str
    counts: dict[str, int]
    with_most_raters: SelfAgreement
    truth: RaterAccuracy | None
    auc: Estimate | None


class MarkResults(TypedDict):
    """MarkResults(images: 'tuple[MarkedImage, ...]', groups: 'tuple[MarkedGroup, ...]')"""

    images: list[MarkedImage]
    groups: list[MarkedGroup]


class MarkedGroup(TypedDict):
    """All images of one generator, or all real ones; cells are sums over them."""

    name: str
    images: int
    ratings: int
    marking: int
    marks: int
    cells: list[list[int]]


class MarkedImage(TypedDict):
    """cells: by row and column, how many raters marked there."""

    image: str
    truth: str
    generator: str
    raters: int
    marking: int
    marks: int
    cells: list[list[int]]


class McNemar(TypedDict):
    """McNemar's test of a paired 2 × 2 table; all None with a reason where no pair differs."""

    chi2: float | None | None
    p: float | None | None
    chi2_corrected: float | None | None
    p_exact: float | None | None
    p_mid: float | None | None
    p_corrected: float | None | None
    reason: str | None


class MetricsJSON(TypedDict):
    """What is written beside a checkpoint's weights: by the site's extractor, and by `further` ones."""

    n_real: NotRequired[int]
    n_fake: NotRequired[int]
    fid: NotRequired[float | None]
    kid: NotRequired[float | None]
    fid_interval: NotRequired[tuple[float | None, float | None] | None]
    kid_interval: NotRequired[tuple[float | None, float | None] | None]
    floor: NotRequired[DistancesJSON]
    extractor: NotRequired[ExtractorJSON]
    further: NotRequired[list[ExtractorDistancesJSON]]
    memorisation: NotRequired[ScanJSON]
    validation_loss: NotRequired[float | None]
    reconstruction: NotRequired[ReconstructionJSON]
    by_class: NotRequired[dict[str, DistancesJSON]]


class NearestPair(TypedDict):
    """A generated image and the real one nearest to it, by key; `of` is None where there is no real
    image."""

    fake: str
    of: str | None
    similarity: float | None
    chance: float | None | None


class NumberJSON(TypedDict):
    """A `Number` as reports keep it; those of before there were several extractors lack `extractor`."""

    key: str
    name: str
    better: str
    n_real: int
    n_fake: int
    estimate: float | None | None
    ci: tuple[float | None, float | None] | None
    reason: str
    note: NotRequired[str]
    extractor: NotRequired[str]


class Numbers(TypedDict):
    """Of n answers; a scale's steps count as numbers too."""

    n: int
    mean: float | None
    sd: float | None | None
    median: float | None
    least: float | None
    most: float | None


class OrderEffects(TypedDict):
    """The quarters, and the trends from first to last: of the logarithm of the seconds, and of the
    share right."""

    quarters: list[Quarter]
    log_seconds: Estimate
    right: Estimate | None


class PairAgreement(TypedDict):
    """Two raters on the n images both rated; None with a reason where something does not exist."""

    raters: tuple[str, str]
    n: int
    percent_agreement: float | None | None
    cohen_kappa: float | None | None
    se: float | None | None
    reason: str | None


class PairHabits(TypedDict):
    """Whether two raters use the labels alike, and of two labels how prevalence and bias bend kappa."""

    raters: tuple[str, str]
    n: int
    tests: Homogeneity
    p_holm: float | None | None
    indices: Indices | None


class PairTest(TypedDict):
    """McNemar's test of two raters on the n images that both rated, and how much oftener the first is
    right."""

    raters: tuple[str, str]
    n: int
    mcnemar: McNemar
    p: float | None | None
    p_holm: float | None | None
    difference: Estimate


class PlaceCounts(TypedDict):
    """How often the image looked for stood at a place (1 first), the place was chosen, and both."""

    place: int
    stood: int
    chosen: int
    right: int


class PlacesChosen(TypedDict):
    """How often a rater chose each place, and the p of choosing all alike."""

    rater: str
    chosen: list[int]
    p: float | None | None


class PolicyResults(TypedDict):
    """What one policy for “unsure” makes of the calls; fool_rate: one less the sensitivity."""

    policy: str
    fool_rate: RandomMean
    accuracy: RandomMean
    sensitivity: RandomMean
    specificity: RandomMean


class PooledSelfAgreement(TypedDict):
    """All raters' repeats together, the images sampled with everybody's readings of them.

    same: the share given the same label; kappa: by the mean observed and the mean expected
    agreement (De Vries et al.
    2008), standard error by leaving out one image at a time; weighted: the raters' own kappas
    weighted by their
    precision, with the chi-square test that they are equal (Fleiss 1981, ch. 13)."""

    same: RandomMean
    kappa: Estimate
    weighted: Estimate
    chi2: float | None | None
    df: int
    p: float | None | None


class PrimaryResult(TypedDict):
    """The declared endpoint's result: what it is of, how it was made, and what may be concluded."""

    endpoint: str
    name: str
    estimate: Estimate
    raters: int
    images: int
    ratings: int
    method: str
    verdict: str


class QualityResults(TypedDict):
    """All of it, with what it was measured by."""

    numbers: list[NumberJSON]
    parts: dict[str, dict[str, list[NumberJSON]]]
    curves: dict[str, dict[str, dict[str, list[float | None]]]]
    calibration: CalibrationJSON
    n_real: int
    n_fake: int
    copies: list[NearestPair]
    duplicates: Duplicates
    n_duplicates: DuplicateCounts
    closest: list[NearestPair]
    best: list[NearestPair]
    worst: list[NearestPair]
    extractor: ExtractorJSON
    extractors: NotRequired[list[ExtractorJSON]]
    canvas: int
    n_training: int


class Quarter(TypedDict):
    """One quarter of the sitting, from 1; right is None while the truth is not known."""

    quarter: int
    ratings: int
    called_fake: Estimate
    right: Estimate | None
    seconds: Quartiles


class Quartiles(TypedDict):
    """How many, the median, the quartiles, and the median's 95 % interval; None where there is
    nothing."""

    n: int
    median: float | None | None
    q1: float | None | None
    q3: float | None | None
    ci: tuple[float | None, float | None] | None


class RandomMean(TypedDict):
    """A mean over random raters and images, with the BDG degrees of freedom of its interval (None: no
    interval).

    these_raters: the same for the raters at hand, images sampled and raters fixed, where that is
    asked."""

    estimate: Estimate
    df: float | None | None
    these_raters: Estimate | None
    method: str
    raters: int


class RaterAccuracy(TypedDict):
    """One rater's calls by truth, and the numbers they give; `policy` says what an unsure counted as.

    table: {truth: {label: n}}; fool_rate: fakes called real, of all fakes rated; unsure_rate: by
    truth."""

    rater: str
    policy: str
    table: dict[str, dict[str, int]]
    fool_rate: Estimate
    sensitivity: Estimate
    specificity: Estimate
    unsure_rate: dict[str, Estimate]
    detection: TwoCuts
    auc: Estimate


class RaterChoices(TypedDict):
    """In how many sets a rater was right, against guessing; d and bias of pairs only."""

    rater: str
    n: int
    right: int
    share: Estimate
    p: float | None | None
    p_holm: float | None | None
    d: Estimate | None
    bias: Estimate | None


class RaterDifferences(TypedDict):
    """Cochran's Q over the images that all raters rated, and McNemar's test of each pair."""

    images: int
    cochran_q: CochranQ | None
    pairs: list[PairTest]


class RaterProfile(TypedDict):
    """What a rater said of themselves, and their share of right calls."""

    rater: str
    years: int | None
    knowledge: str
    subspecialty: str
    share_right: float | None | None


class RaterShares(TypedDict):
    """How often a rater chose each generator's image, ties half, out of the answers it stood in; None
    without any."""

    rater: str
    shares: list[float | None | None]


class RatersDiffer(TypedDict):
    """How far raters' own answers are from the scale of all, and how often so far when answers are
    dealt anew.

    The sum over raters of the score statistic; p by permutation of the answers among the raters of
    each pair, exact where
    raters do not differ."""

    statistic: float | None | None
    p: float | None | None
    shuffles: int
    reason: str | None


class ReconstructionJSON(TypedDict):
    psnr: float | None
    ssim: float | None
    images: int


class RocCurve(TypedDict):
    """RocCurve(rater: 'str', false_alarms: 'tuple[float, ...]', hits: 'tuple[float, ...]')"""

    rater: str
    false_alarms: list[float | None]
    hits: list[float | None]


class ScaleFit(TypedDict):
    """Likelihood ratio of every two generators' own shares against one scale, as if answers were
    independent.

    circles: of how many triples of generators, each two of them decided, the first beats the
    second, that the third, and
    that the first."""

    g2: float | None | None
    df: int
    p: float | None | None
    circles: int
    triples: int
    reason: str | None


class ScanJSON(TypedDict):
    """The scan for copies; `nearest` are the most suspicious images, each with its training images."""

    copies: int
    of: int
    calibration: CalibrationJSON
    nearest: list[dict[str, str | float | None]]


class SecondResults(TypedDict):
    """Of one question and session. counts: {truth or "all": {option: answers}}; numbers likewise;
    accuracy by truth too.

    accuracy is None where the question is no diagnosis or the truth is not known; `without_finding`
    images have none of
    the choices as their finding, and count in no accuracy."""

    code: str
    words: str
    kind: str
    session: int
    raters: int
    images: int
    answers: int
    counts: dict[str, dict[str, int]]
    numbers: dict[str, Numbers]
    agreement: dict[str, Estimate]
    accuracy: dict[str, RandomMean] | None
    without_finding: int
    texts: list[SecondText]


class SecondText(TypedDict):
    """SecondText(rater: 'str', image: 'str', text: 'str')"""

    rater: str
    image: str
    text: str


class SeededEstimate(TypedDict):
    """A number with its interval, and its spread over training seeds; or the sentence why one is
    missing."""

    estimate: float | None | None
    ci: tuple[float | None, float | None] | None
    sd_of_seeds: float | None | None
    reason: str | None


class SelfAgreement(TypedDict):
    """One rater's repeats: how many, the share given the same label (Wilson), and Cohen's kappa of
    first and second."""

    rater: str
    n: int
    same: Estimate
    kappa: Cohen


class SessionResults(TypedDict):
    """The declared accuracy and the fool rate of one session."""

    session: int
    accuracy: RandomMean
    fool_rate: RandomMean


class SidesChosen(TypedDict):
    """How often a rater chose the left image, the right one and neither; p of choosing both sides
    alike, also by Holm."""

    rater: str
    left: int
    right: int
    tied: int
    p: float | None | None
    p_holm: float | None | None


class SmallGroup(TypedDict):
    """A group that no number is given of: it has too few images of one finding."""

    group: str
    images: int
    finding: str
    of_finding: int


class Standing(TypedDict):
    """What depends on which generator made which image; fit and differ are None where there are no
    strengths."""

    strengths: Strengths
    by_rater: list[RaterShares]
    fit: ScaleFit | None
    differ: RatersDiffer | None


class Strength(TypedDict):
    """A generator's answers, its log ability (all of them sum to 0) and its ranks from … to, 1 the
    most real.

    ranks are None where there is no interval."""

    generator: str
    answers: int
    chosen: int
    beaten: int
    tied: int
    these_raters: Estimate
    raters_like_these: Estimate
    ranks_these: tuple[int, int] | None
    ranks_like: tuple[int, int] | None


class Strengths(TypedDict):
    """log_tie: Davidson's log ν, as if answers were independent; None without ties. reason: why there
    are no numbers."""

    strengths: list[Strength]
    contests: list[Contest]
    log_tie: Estimate | None
    reason: str | None


class StudyResults(TypedDict):
    """The report of one session; None is what the study does not ask, or what depends on a truth not
    known yet."""

    sessions: list[int]
    session: int
    policy: str
    endpoint: str
    agreement: AgreementReport
    notes: list[str]
    random_raters: dict[str, Estimate]
    pair_habits: list[PairHabits]
    conger_kappa: Estimate
    unanimous: Estimate
    by_label: dict[str, Estimate]
    on_the_scale: dict[str, Estimate] | None
    counts: dict[str, dict[str, int]]
    counts_by_modality: dict[str, dict[str, dict[str, int]]]
    intra: IntraRater
    confidence: dict[str, dict[str, list[int]]] | None
    times: TimesPerCase
    order_effects: OrderEffects | None
    forced_choice: ForcedChoice | None
    arena: ArenaResults | None
    truth: TruthResults | None
    machines: list[MachineResults]
    first_phase: FirstPhase | None
    second: list[SecondResults]
    marks: MarkResults | None
    usability: Usability | None
    methods: dict[str, str]
    versions: dict[str, str]
    primary: PrimaryResult | None


class Subgroup(TypedDict):
    """Test images that share a value of an attribute, and the mean AUC over the findings on them."""

    group: str
    images: int
    patients: int
    auc: SeededEstimate


class SubgroupGap(TypedDict):
    """One arm by the values of one attribute; `gap` is the AUC of the best group less that of the
    worst."""

    arm: str
    architecture: str
    attribute: str
    groups: list[Subgroup]
    best: str
    worst: str
    gap: SeededEstimate
    too_small: list[SmallGroup]
    unknown: int


class TimesPerCase(TypedDict):
    """Seconds per case; by_label is empty for sets, by_correctness while the truth is not known."""

    overall: Quartiles
    by_label: dict[str, Quartiles]
    by_rater: dict[str, Quartiles]
    by_correctness: dict[str, Quartiles]


class TrainedFor(TypedDict):
    """Optimiser steps on its images, those on synthetic images alone before, and how many images each
    step drew."""

    steps: int
    steps_before: int
    batch: int


class TruthResults(TypedDict):
    """What depends on the truth; only: why an all-fake study has no specificity, d′ or AUC."""

    fakes: int
    reals: int
    only: str | None
    per_rater: list[RaterAccuracy]
    counts: dict[str, dict[str, dict[str, int]]]
    fool_rate: RandomMean
    by_modality: FoolRates
    by_generator: FoolRates
    by_checkpoint: FoolRates
    policies: list[PolicyResults]
    auc: Areas
    averages: Averages
    auc_by_kind: AucByKind
    curves: list[RocCurve]
    chance: list[ChanceTest]
    raters_differ: RaterDifferences
    equivalence: EquivalenceTests
    experience: Experience
    by_session: list[SessionResults]


class TwoCuts(TypedDict):
    """The two operating points of three answers, each by one cut for both kinds of image.

    fake: “fake” against the rest; fake_or_unsure: “fake” or “unsure” against “real”. A policy that
    counts “unsure” as
    right or as wrong would put the cut elsewhere for fakes than for real images, and give an always
    unsure rater a d′."""

    fake: Detection
    fake_or_unsure: Detection


class UnusualCalls(TypedDict):
    """The share called unusual of the fakes and of the real images, over raters and images like these."""

    fake: RandomMean
    real: RandomMean
    difference: RandomMean


class Usability(TypedDict):
    """Each rater's score, and their mean with Student's t interval, not cut to 0 … 100."""

    raters: list[str]
    scores: list[float | None]
    mean: Estimate
    sd: float | None | None


class UtilityResults(TypedDict):
    """All of it; `images` are counts by side and finding, `models` the folders of the first seeds."""

    classes: list[str]
    seeds: int
    resamples: int
    test_images: int
    test_patients: int
    headline: Headline
    arms: list[ArmScores]
    gaps: list[Gap]
    curve: list[CurvePoint]
    notes: list[str]
    not_concluded: list[str]
    images: dict[str, dict[str, int]]
    models: dict[str, str]
    explanations: list[ExplanationOverlap]
    subgroups: list[SubgroupGap]
    external: ExternalTest | None
