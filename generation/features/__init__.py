"""The small network that ships: its features measure images, and its maps teach an autoencoder what to keep; no torch."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).with_name("phantom-features.safetensors")
