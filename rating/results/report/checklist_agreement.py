"""Answers on raters, reading and agreement: the items of GRRAS and QAREL."""

from __future__ import annotations

from rating.results.display_names import COEFFICIENTS, counted
from rating.results.exhibit import unit_name
from rating.results.report.checklist_core import (
    BURNED_IN,
    BY_PERSON,
    GOING_BACK,
    Context,
    answers,
    average_in_words,
    displays,
    in_words,
)


@answers("sample_size")
def sample_size(of: Context) -> str:
    facts = of.facts
    return (
        f"Planned: {facts.sessions} session(s), {facts.repeats} repeats, {facts.blocks} block(s); {counted(facts.raters['invited'], 'rater')} invited. "
        f"Why so many: {BY_PERSON.lower()}"
    )


@answers("sampling")
def sampling(of: Context) -> str:
    return f"Images: random draw by seed {of.facts.seed}. How raters were chosen: {BY_PERSON.lower()}"


@answers("process")
def process(of: Context) -> str:
    return f"{of.facts.sessions} session(s), images only, an order of their own for each rater ({of.facts.order_version}). {own_findings(of)}"


@answers("independence")
def independence(_of: Context) -> str:
    return "No page shows another rater's answer; talk among raters cannot be excluded."


@answers("own_findings")
def own_findings(of: Context) -> str:
    facts = of.facts
    words = [f"Within a sitting {GOING_BACK.get(facts.going_back, 'going back is not recorded')}"]
    if facts.sessions > 1:
        words.append(f"sessions at least {facts.washout_days} days apart, in a new order")
    if facts.repeats:
        words.append(f"{facts.repeats} repeats at least {facts.repeat_gap} images apart")
    return f"{'; '.join(words)}."


@answers("blind_to_truth")
def blind_to_truth(of: Context) -> str:
    """The audit's own verdict: a red one, overridden or not, leaves the answer open."""
    verdict = of.facts.audit_verdict
    if not verdict:
        return "Unclear: no blinding audit has been run."
    if verdict == "unknown":
        return "Unclear: the blinding audit saw no leak, but could not look at everything."
    if verdict != "red":
        return f"Yes: the blinding audit was {verdict}."
    return f"Unclear: the blinding audit was red{', and a person overrode it in writing' if of.facts.audit_overridden else ''}."


@answers("clinical")
def clinical(of: Context) -> str:
    return f"Yes: images only; {BURNED_IN.get(of.facts.burned_in, '')}."


@answers("cues")
def cues(of: Context) -> str:
    return f"{blind_to_truth(of)} See “Blinding” for each check."


@answers("order")
def order(of: Context) -> str:
    return f"Yes: {of.facts.order_version}, a new order for each rater and session; seeds and digests in sequences.csv."


@answers("stability")
def stability(of: Context) -> str:
    return f"Images do not change. {own_findings(of)}"


@answers("application")
def application(of: Context) -> str:
    return f"{of.facts.raters['finished']} of {of.facts.raters['started']} raters who started finished. {displays(of)} {BY_PERSON}"


@answers("measures")
def measures(of: Context) -> str:
    return f"Yes: several coefficients, each with its interval and source. {agreement(of)}"


@answers("numbers")
def numbers(of: Context) -> str:
    report, intra = of.results.agreement, of.results.intra
    again = sum(row.n for row in (*intra.repeats, *intra.next_session))
    return f"{counted(report.raters, 'rater')}, {report.images} {unit_name(of.results)}, {counted(report.ratings, 'rating')}; {again} of them read again by the same rater."


@answers("characteristics")
def characteristics(of: Context) -> str:
    knowledge = ", ".join(f"{name} {n}" for name, n in sorted(of.facts.profiles.items())) or "nobody said"
    kinds = ", ".join(sorted(of.results.counts_by_modality)) or "not given"
    return f"Raters: knowledge of AI {knowledge}; years of reading: {of.facts.years or 'nobody said'}. Images: {kinds}. {BY_PERSON}"


@answers("agreement")
def agreement(of: Context) -> str:
    coefficients = of.results.agreement.coefficients
    names = ("percent_agreement", "krippendorff_alpha", "gwet_ac1")
    words = " ".join(in_words(COEFFICIENTS[name], coefficients[name]) for name in names)
    intra = of.results.intra
    own = {
        "Same label when shown again in the session": (intra.repeats, intra.repeats_pooled),
        "Same label in the next session": (intra.next_session, intra.next_session_pooled),
    }
    again = (average_in_words(name, pooled.same) for name, (rows, pooled) in own.items() if rows)
    return " ".join([words, *again])


@answers("bundle")
def bundle(_of: Context) -> str:
    return "The ratings, with their codebook, are in the study's bundle."
