"""Measurements; a package, so that bench/generation.py is not taken for the app of that name."""
