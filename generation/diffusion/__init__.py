"""Diffusion models trained on one's own images; plain torch and diffusers, no Django."""

import os

# Read when torch is first loaded, which happens only behind this package. Threads that spin while they wait
# made sampling four times slower on a machine that was busy with other things, and no faster on an idle one.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
