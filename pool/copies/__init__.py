"""Images that repeat one another: one search for the audit, the quality report, checkpoints and utility experiments."""
