"""Whoever types the command, where somebody does."""

from __future__ import annotations


def answer_to(question: str) -> str:
    """What is typed to a question; nothing where nobody is there to ask."""
    try:
        return input(question).strip()
    except EOFError:
        return ""
