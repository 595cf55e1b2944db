"""Every number can name its method."""

from rating.results.methods import METHODS, versions
from rating.statistics import RatingsTable, agreement_report


def test_every_coefficient_of_a_report_names_its_method() -> None:
    rows = [(rater, image, "real") for rater in "ABC" for image in "xyz"]
    two = agreement_report(RatingsTable.from_rows(rows[:6]))
    three = agreement_report(RatingsTable.from_rows(rows))

    assert set(two.coefficients) | set(three.coefficients) <= set(METHODS)
    assert all(sentence.endswith(".") for sentence in METHODS.values())


def test_versions_name_the_program_and_its_numerics() -> None:
    assert set(versions()) == {"lungrater", "numpy", "scipy"}
