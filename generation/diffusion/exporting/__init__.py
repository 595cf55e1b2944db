"""A checkpoint as a diffusers pipeline folder, and back; no torch, so that a page can hand it out."""
