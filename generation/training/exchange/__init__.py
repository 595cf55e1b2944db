"""Models in and out: a checkpoint as a diffusers pipeline folder or zip, and such a folder as a checkpoint."""
