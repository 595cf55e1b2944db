"""A test that needs ../shared fails where it is absent; told so, pytest leaves it out and counts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import without_shared

pytest_plugins = ["pytester"]

PLUGINS = ("-p", "no:django", "-p", "no:xdist", "-p", "tests.without_shared")
TWO_TESTS = """
def test_of_real_images(shared_data):
    assert shared_data.is_dir()

def test_of_drawn_images():
    pass
"""


@pytest.fixture
def two_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """In a checkout with nothing beside it."""
    monkeypatch.setattr(without_shared, "SHARED_DATA", Path(pytester.path / "nowhere"))
    pytester.makepyfile(TWO_TESTS)
    return pytester


def test_what_needs_the_shared_folder_fails_without_it(two_tests: pytest.Pytester) -> None:
    result = two_tests.runpytest_inprocess(*PLUGINS)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*leave its tests out with --without-shared*"])


def test_what_was_left_out_is_counted(two_tests: pytest.Pytester) -> None:
    result = two_tests.runpytest_inprocess(*PLUGINS, "--without-shared")

    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*--without-shared left out 1 tests that need ../shared*"])
