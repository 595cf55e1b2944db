"""Figures drawn at once by the threads of one web process."""

import subprocess
import sys

PROGRAM = """
import sys, threading, time
from pool.figure_style import SCREEN, as_file
from rating.results.sections import agreement, labels
from rating.results.summary import study_results
from tests.rating.statistics.studies import simulated
numbers = study_results(simulated(raters=2))
sys.addaudithook(lambda event, _: time.sleep(1e-4) if event == "import" else None)  # others get their turn at every import
begin, failed = threading.Barrier(6), []

def work(draw, kind):
    begin.wait()
    try:
        as_file(draw(numbers, SCREEN), kind)
    except Exception as error:
        failed.append(repr(error))

threads = [
    threading.Thread(target=work, args=(draw, kind))
    for draw in (agreement.draw_pairs, labels.draw_labels_by_modality)
    for kind in ("svg", "png", "pdf")
]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""


def test_the_first_figures_of_a_process_may_be_asked_for_all_at_once():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
