"""How fast images are made, against a plain diffusers loop with the same weights, and what the jobs add.

    python bench/generation.py [--json] [--net shipped|paper-256|…] [--steps 10] [--batches 1 4] [--jobs 10000]
    python bench/generation.py --no-database      # on a machine with torch and diffusers alone, say with a GPU

Tables: images a second by sampler and batch, ours and plain; flow matching with Heun against DDPM's 1,000
calls; a tiny Stable Diffusion pipeline, ours and plain; milliseconds of bookkeeping an image, of a claim and of
the queue's page with many jobs waiting. On a GPU the network is of the preset paper-256 with random weights,
ours also compiled, the plain loop in fp32 and in bf16; on a CPU it is the model that ships.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--net", help="shipped, or a training preset, with random weights")
    parser.add_argument("--batches", type=int, nargs="+")
    parser.add_argument("--steps", type=int, help="of each sampler (default 3 on a CPU, 20 on a GPU)")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="ours compiled too")
    parser.add_argument("--ddpm-batch", type=int, help="of the comparison with DDPM; 0 leaves it out")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--threads", type=int, help="of a CPU (default: torch's own choice)")
    parser.add_argument("--no-database", action="store_true", help="only what needs no server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lungrater-bench-") as home:
        os.environ["LUNGRATER_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "lungrater.settings"
        os.environ.setdefault("LOG_LEVEL", "WARNING")
        report = speed(options, Path(home))
        if not options.no_database:
            from bench.generation_queue import with_database

            report["jobs"] = with_database(options.jobs)
    print(json.dumps(report) if options.json else as_tables(report))


def speed(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    import torch

    from bench import generation_sampling as bench

    cuda = torch.cuda.is_available()
    if options.threads:
        torch.set_num_threads(options.threads)
    net = options.net or ("paper-256" if cuda else "shipped")
    steps = options.steps or (20 if cuda else 3)
    batches = options.batches or ([1, 8, 32, 128] if cuda else [1, 4])
    compiled = cuda if options.compile is None else options.compile
    rows = list(_told(bench.sampling(net, steps, batches, compiled=compiled)))
    report = {**bench.machine(), "sampling": rows, "best": bench.best(rows)}
    ddpm_batch = options.ddpm_batch if options.ddpm_batch is not None else (32 if cuda else 1)
    if ddpm_batch:
        against = "small" if net == "shipped" else net
        report["against_ddpm"] = bench.against_ddpm(against, ddpm_batch, compiled=compiled)
    if bench.has_transformers():
        report["pipeline"] = list(_told(bench.pipeline(home, 4, steps)))
    return report


def _told(rows: Any) -> Any:
    """Each row as it comes, also on stderr: a run that is cut short has said what it measured."""
    for row in rows:
        print(json.dumps(row), file=sys.stderr, flush=True)
        yield row


def as_tables(report: dict[str, Any]) -> str:
    lines = [f"{report['device']}, torch {report['torch']}, diffusers {report['diffusers']}"]
    for name in ("sampling", "best", "pipeline"):
        lines += ["", *_table(report.get(name, []))]
    for name in ("against_ddpm", "jobs"):
        if name in report:
            lines += ["", *(f"{key:<26}{value}" for key, value in report[name].items())]
    return "\n".join(lines)


def _table(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    names = list(rows[0])
    width = max(14, *(len(name) + 2 for name in names))
    return [
        "".join(f"{name:>{width}}" for name in names),
        *("".join(f"{row.get(name)!s:>{width}}" for name in names) for row in rows),
    ]


if __name__ == "__main__":
    main()
