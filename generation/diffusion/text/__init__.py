"""Models that are told a text: which encoder reads it, what it makes of it, and what is kept of that beside a run."""
