"""The agreement report as text for a terminal."""

from collections.abc import Iterable, Sequence

from rating.statistics.agreement.report import AgreementReport, GroupAgreement, PairAgreement

NAMES = {
    "percent_agreement": "percent agreement",
    "cohen_kappa": "Cohen's kappa",
    "light_kappa": "Light's kappa",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "gwet_ac1": "Gwet's AC1",
    "brennan_prediger": "Brennan-Prediger",
}
MANY_PAIRS = 45  # ten raters; a longer list belongs in the JSON
UNDEFINED = "-"


def agreement_text(report: AgreementReport, notes: Iterable[str] = ()) -> str:
    """The report as lines of text: coefficients, groups, pairs, and what must be said beside them."""
    lines = _block("All images", report)
    lines.append(f"  AC1 and Brennan-Prediger are over the labels {', '.join(report.labels)}.")
    for name, part in report.by.items():
        lines += ["", *_block(name, part)]
    lines += ["", *_pairs(report.pairs)]
    lines += [f"Note: {note}" for note in notes]
    return "\n".join(lines).rstrip()


def _block(title: str, part: GroupAgreement) -> list[str]:
    numbers = {"raters": part.raters, "images": part.images, "ratings": part.ratings}
    sizes = ", ".join(f"{n} {name[:-1] if n == 1 else name}" for name, n in numbers.items())
    head = f"{title}: {sizes}"
    lines = [head, f"  {'':<22}{'estimate':>9}{'SE':>9}   95 % interval"]
    reasons: list[str] = []
    for name, value in part.coefficients.items():
        mark = ""
        if value.reason:
            if value.reason not in reasons:
                reasons.append(value.reason)
            mark = f"  [{reasons.index(value.reason) + 1}]"
        ci = UNDEFINED if value.ci is None else f"{value.ci[0]:.3f} to {value.ci[1]:.3f}"
        lines.append(f"  {NAMES[name]:<22}{_number(value.estimate):>9}{_number(value.se):>9}   {ci}{mark}")
    return lines + [f"  [{place}] {reason}" for place, reason in enumerate(reasons, start=1)]


def _pairs(pairs: Sequence[PairAgreement]) -> list[str]:
    if not pairs:
        return []
    lines = [f"Pairs of raters{'':<15}{'n':>7}{'agree':>9}{'kappa':>9}{'SE':>9}"]
    for pair in pairs[:MANY_PAIRS]:
        mark = " *" if pair.reason else ""
        lines.append(
            f"  {' - '.join(pair.raters):<28}{pair.n:>7}{_number(pair.percent_agreement):>9}"
            f"{_number(pair.cohen_kappa):>9}{_number(pair.se):>9}{mark}"
        )
    if len(pairs) > MANY_PAIRS:
        lines.append(f"  … and {len(pairs) - MANY_PAIRS} more pairs: --json has them all.")
    reasons = dict.fromkeys(pair.reason for pair in pairs[:MANY_PAIRS] if pair.reason)
    return lines + [f"  * {reason}" for reason in reasons]


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"
