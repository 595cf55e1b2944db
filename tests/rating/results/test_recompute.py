"""The script of the bundle gives the declared result again, with standard error and interval, with numpy alone."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pool.canonical.typed_json import as_json
from rating.results.summary import study_results
from rating.statistics.ratings_table import LABELS
from tests.rating.statistics.studies import UNSURE, simulated

SCRIPT = Path(__file__).parents[3] / "rating" / "results" / "export" / "recompute.py"


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("raters", [2, 5])
@pytest.mark.parametrize(
    ("endpoint", "policy"),
    [("fool rate", "wrong"), ("auc", "half"), ("accuracy", "exclude"), ("accuracy", "half")],
)
def test_the_primary_result_comes_out_again_to_the_eighth_digit(tmp_path, endpoint, policy, raters, missing):
    columns = simulated(raters=raters, images=60, missing=missing, seed=7)
    rng = np.random.default_rng(1)
    label = np.where(rng.random(len(columns.label)) < 0.15, UNSURE, columns.label).astype(np.int8)
    columns = replace(columns, label=label)
    results = study_results(columns, endpoint=endpoint, policy=policy)
    (tmp_path / "numbers.json").write_text(json.dumps(as_json(results)))
    with (tmp_path / "ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rater", "session", "kind", "image", "truth", "label"])
        codes = columns.table().codes
        for rater, row in zip(columns.raters, codes, strict=True):
            for image, truth, code in zip(columns.images, columns.truth, row, strict=True):
                writer.writerow([rater, 1, "main", image, truth, LABELS[code] if code >= 0 else ""])
    (tmp_path / "recompute.py").write_bytes(SCRIPT.read_bytes())

    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "recompute.py"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert results.primary
    assert results.primary.estimate.se
    for name in ("primary result", "its standard error", "its interval from"):
        assert f"same    {name}" in done.stdout
