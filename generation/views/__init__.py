"""The room's pages: generation jobs, and training runs with their checkpoints."""
