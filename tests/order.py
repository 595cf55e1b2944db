"""Side by side, long files come first, so that at the end no process waits for the last file of another."""

from __future__ import annotations

import pytest

# Half a minute of processor time and more each, where a file of the rest has a second or two; below tests/.
LONG = frozenset(
    {
        "api/test_blinding_of_the_api.py",
        "api/test_permissions.py",
        "api/test_schemathesis.py",
        "generation/diffusion/test_latent_training.py",
        "generation/diffusion/test_training.py",
        "generation/diffusion/test_training_apart.py",
        "generation/metrics/test_checkpoint_evaluator.py",
        "generation/metrics/test_copies.py",
        "generation/metrics/test_published_networks.py",
        "generation/quality/test_report.py",
        "generation/test_torchscript.py",
        "generation/training/test_finetuning.py",
        "generation/utility/test_experiments.py",
        "privacy/test_pseudonyms_only.py",
        "rating/blinding/test_perfect_generator.py",
        "rating/blinding/test_planted_confounds.py",
        "rating/blinding/test_planted_leaks.py",
        "rating/blinding/test_wire.py",
        "rating/results/test_exports.py",
        "rating/results/test_summary.py",
        "rating/results/test_undefined_numbers.py",
    }
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In each process of xdist alike: real sites and browsers, then what walks every address, then the long, then the rest."""
    if not hasattr(config, "workerinput"):
        return
    on_real_sites = {item.path for item in items if item.get_closest_marker("e2e")}
    top = config.rootpath / "tests"
    turns = {top / name: 2 for name in LONG} | dict.fromkeys(on_real_sites, 0)

    def turn(item: pytest.Item) -> int:
        return turns.get(item.path, 1 if item.path.parent == top else 3)

    items.sort(key=turn)
