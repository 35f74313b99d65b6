"""Rows of a focused scene are composed once and stay the same, whoever asks for which."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rig.devices.scenes.keptrows import BAND_ROWS, KeptRows

SIZE = (5, 3 * BAND_ROWS + 7)


class Gradient:
    """Every row another grey; counts how often each was composed."""

    canvas = SIZE

    def __init__(self) -> None:
        self.composed = np.zeros(SIZE[1], int)

    def rows(self, top: int, count: int) -> np.ndarray:
        self.composed[top : top + count] += 1
        grey = np.arange(top, top + count, dtype=np.float32) / SIZE[1]
        return np.repeat(grey, SIZE[0] * 3).reshape(count, SIZE[0], 3)


def test_any_rows_are_those_of_the_scene() -> None:
    kept, scene = KeptRows(Gradient()), Gradient()

    for top, count in ((0, 1), (10, 100), (BAND_ROWS - 1, 2), (SIZE[1] - 3, 3), (0, SIZE[1])):
        assert np.allclose(kept.rows(top, count), scene.rows(top, count), atol=1e-3)


def test_a_row_is_composed_once_however_many_ask_for_it_at_once() -> None:
    scene = Gradient()
    kept = KeptRows(scene)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda top: kept.rows(top, 40), range(0, SIZE[1] - 40, 3)))

    assert set(scene.composed) == {1}
