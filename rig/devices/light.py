"""The contract of a light that the rig switches: an LED panel or ring."""

from __future__ import annotations

from typing import Protocol


class Light(Protocol):
    """Lit before an exposure, dark after, to spare the battery and the subject."""

    @property
    def lit(self) -> bool:
        """Whether it is on."""

    def on(self) -> None:
        """Light, and return when it is at full brightness. Raises GpioError."""

    def off(self) -> None:
        """Dark. Safe to call twice and on every exit path."""
