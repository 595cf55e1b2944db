"""What others tell the pool when they start: it asks them without knowing what a study or a job is."""
