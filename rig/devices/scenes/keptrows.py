"""A focused scene whose rows are composed once: while the picture trembles the same ones are asked for again."""

from __future__ import annotations

import threading
from typing import Protocol

import numpy as np

from rig.devices.scenes.light import Half, from_half, to_half
from rig.devices.scenes.surface import F32

BAND_ROWS = 64


class Rows(Protocol):
    """What is needed of a focused scene (rig.devices.scenes.render.FocusedScene has it)."""

    canvas: tuple[int, int]

    def rows(self, top: int, count: int) -> F32:
        """Linear light of rows top..top+count: (count, width, 3) float32."""


class KeptRows:
    """As the scene itself, band by band at half precision: 6 bytes a pixel. From any thread."""

    def __init__(self, focused: Rows) -> None:
        self.canvas = focused.canvas
        self._focused: Rows | None = focused
        bands = -(-self.canvas[1] // BAND_ROWS)
        self._bands: list[Half | None] = [None] * bands
        self._guards = [threading.Lock() for _ in range(bands)]

    def rows(self, top: int, count: int) -> F32:
        """Linear light of rows top..top+count: (count, width, 3) float32, BGR."""
        first, last = top // BAND_ROWS, -(-(top + count) // BAND_ROWS)
        parts = [
            self.band(number)[max(top - number * BAND_ROWS, 0) : top + count - number * BAND_ROWS]
            for number in range(first, last)
        ]
        return from_half(parts[0] if len(parts) == 1 else np.concatenate(parts))

    @property
    def bands(self) -> int:
        """How many there are."""
        return len(self._bands)

    def band(self, number: int) -> Half:
        """One of them: BAND_ROWS rows, or what is left of them."""
        with self._guards[number]:
            band = self._bands[number]
            focused = self._focused
            if band is None and focused is not None:
                top = number * BAND_ROWS
                count = min(BAND_ROWS, self.canvas[1] - top)
                band = self._bands[number] = to_half(focused.rows(top, count))
        assert band is not None
        if focused is not None and all(one is not None for one in self._bands):
            self._focused = None  # what it needed to compose them is as large as they are
        return band
