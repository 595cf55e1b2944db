"""What the audit looks for where several images are shown at once: pairs, quartets, and an arena of generators."""
