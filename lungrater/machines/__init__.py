"""Machines that rate: a classifier in a folder, or a vision model behind an API; wired to studies here."""
