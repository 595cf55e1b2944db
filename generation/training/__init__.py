"""Diffusion models trained on one's own pictures; plain torch and diffusers, no Django."""
