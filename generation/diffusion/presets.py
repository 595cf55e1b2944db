"""Settings to start from, by name."""

from __future__ import annotations

_PAPER_NETWORK: dict[str, object] = {
    "size": 256,
    "patch": 4,
    "widths": (128, 256, 384),
    "layers": 2,
    "head_dim": 64,
    "batch": 32,
    "learning_rate": 2e-4,
    "warmup": 1000,
    "ema_decay": 0.9999,
    "checkpoint_every": 5000,
}

PRESETS: dict[str, dict[str, object]] = {
    # Minutes on two CPU cores.
    "tiny": {"size": 64, "patch": 2, "widths": (32, 64, 96), "steps": 1500, "batch": 32},
    # An hour on CPU cores, minutes on a GPU.
    "small": {"size": 128, "patch": 4, "widths": (64, 96, 128), "layers": 2, "steps": 10_000, "batch": 32},
    # The transformer in minutes on two CPU cores.
    "tiny-transformer": {
        "size": 64,
        "network": "transformer",
        "patch": 8,
        "depth": 4,
        "width": 128,
        "heads": 4,
        "steps": 1500,
        "batch": 32,
        "learning_rate": 5e-4,
    },
    # 256 x 256 as the published X-ray models have; wants a GPU.
    "paper-256": {**_PAPER_NETWORK, "steps": 100_000},
    # The numbers of Ali et al. 2022: 256 x 256, batch 32, 700,000 steps, told nothing of the patient; the
    # paper predicts the noise with a network of its own, ours stands in for it.
    "spot-the-fake-lungs": {**_PAPER_NETWORK, "objective": "epsilon", "steps": 700_000},
    # 512 x 512 in latents of 64 x 64, by a transformer of the size DiT-B/2 (Peebles & Xie 2023); wants a GPU.
    "latent-512": {
        "size": 512,
        "latent": "own",
        "latent_widths": (64, 128, 128, 256),
        "latent_steps": 20_000,
        "latent_perceptual": 1.0,
        "latent_adversarial": 0.5,
        "latent_adversarial_start": 10_000,
        "network": "transformer",
        "patch": 2,
        "depth": 12,
        "width": 768,
        "heads": 12,
        "time_shift": 0,
        "batch": 32,
        "learning_rate": 1e-4,
        "warmup": 1000,
        "ema_decay": 0.9999,
        "steps": 200_000,
        "checkpoint_every": 5000,
    },
}
