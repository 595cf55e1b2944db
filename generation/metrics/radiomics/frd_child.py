"""Run by the Python of frd-score's own environment, which knows nothing of LungRater: features of images, line by line.

The first line out says which frd-score this is; then for each line in, a JSON list of paths, a JSON list of rows.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import sys
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is no answer
    try:
        import frd_score
        from frd_score import frd

        extractor = frd.get_feature_extractor("v1")
        frd.setVerbosity(60)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}), file=answers, flush=True)
        return
    print(json.dumps({"version": frd_score.__version__}), file=answers, flush=True)
    measure = functools.partial(_features, frd.process_image_mask_pair, extractor)
    with multiprocessing.Pool(max(1, len(os.sched_getaffinity(0)))) as pool:
        for line in sys.stdin:
            print(json.dumps(pool.map(measure, json.loads(line))), file=answers, flush=True)


def _features(process: Any, extractor: Any, path: str) -> list[float]:
    values, _by_name, _count = process((path, None), feature_extractor=extractor)
    return [float(value) for value in values]


if __name__ == "__main__":
    main()
