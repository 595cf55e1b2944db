"""Slices that belong together: series, volumes, stacks, and which of their slices become images."""
