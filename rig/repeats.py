"""Requests that come twice, after a drop or a double tap: what the first one with a key was answered."""

from __future__ import annotations

from typing import TypeVar

Answer = TypeVar("Answer")


def remember(answers: dict[str, Answer], key: str | None, answer: Answer, most: int) -> None:
    """Keep an answer by its idempotency key, where there is one; of more than so many the oldest are forgotten."""
    if key is None:
        return
    answers[key] = answer
    while len(answers) > most:
        del answers[next(iter(answers))]
