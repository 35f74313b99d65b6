"""Whether there is still light: each frame against those before it, at one and the same exposure."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt

from rig.errors import LightError
from rig.freshpreview import PreviewSource, fresh_preview
from rig.saying import Said, say
from rig.sharpness import luma_of

# Grey values are not in proportion to the light: half the light is 0.73 of the grey, a thirtieth 0.2.
DIMMED = 0.75  # of the usual brightness; mains flicker and the change of focus stay above 0.85
DARK = 0.2  # of it: no cloud does that, somebody switched something off or put the cap on
LAMP_SHARE = 0.25  # of the light: a lamp that gives less is outshone by daylight, and proves nothing
DEAD_SHARE = 0.05  # of the light: less is flicker
BLACK = 40  # grey value below which nothing in a picture can be called lit
GLINTS = 0.99  # of the pixels, that may be brighter

Lit = Callable[[], AbstractContextManager[object]]


class LightWatch:
    """Looks after the light of one bracket. lamp: lights the rig's own while entered; None: it has none.

    A lamp that is silently dead is told from a cloud by switching it: what changes nothing now, but did when the
    bracket was begun, does not burn.
    """

    def __init__(self, camera: PreviewSource, lamp: Lit | None) -> None:
        self._camera = camera
        self._lamp = lamp
        self._lamp_matters = False
        self._seen: list[float] = []  # brightness of the frames so far, or since the light changed
        self._brightest = 0.0  # usual brightness
        self._told = False

    def begin(self) -> None:
        """See what the lamp gives, with the exposure locked. Raises LightError where all is dark in spite of it."""
        if self._lamp is None:
            return
        with self._lamp():
            lit = fresh_preview(self._camera).image
        share = self._lamp_share(brightness(lit))
        self._lamp_matters = share >= LAMP_SHARE
        if share < DEAD_SHARE and float(np.quantile(luma_of(lit), GLINTS)) < BLACK:
            raise LightError(
                say(
                    "light.dead",
                    "the rig's light does not burn: the picture is dark, and switching the light changes nothing in "
                    "it; check the lamp, its wires and its supply",
                )
            )

    def look(self, luma: npt.NDArray[np.uint8], number: int) -> Said | None:
        """What is to be told of a frame's light, as a sentence; None: nothing. number: as people count frames.

        Raises LightError when it is too dark to go on with: the lamp is dead, or something has gone dark.
        """
        now = brightness(luma)
        usual = float(np.median(self._seen)) if self._seen else now
        self._brightest = max(self._brightest, usual)
        share = now / max(usual, 1e-9)
        if DIMMED <= share <= 1 / DIMMED:
            self._seen.append(now)
            return None
        if share < DIMMED and self._lamp_matters and self._lamp_share(None) < DEAD_SHARE:
            raise LightError(
                say(
                    "light.gone_out",
                    "the rig's light has gone out: frame {n} is only {percent:.0f}% as bright as those before it, and "
                    "switching the light changes nothing in the picture; check the lamp, its wires and its supply",
                    n=number,
                    percent=100 * share,
                )
            )
        if now < DARK * self._brightest:
            raise LightError(
                say(
                    "light.dark",
                    "it has gone dark: frame {n} is only {percent:.0f}% as bright as those before it; check the lamp "
                    "and what may stand before the lens",
                    n=number,
                    percent=100 * now / self._brightest,
                )
            )
        self._seen = [now]  # the light of the frames to come
        told, self._told = self._told, True
        if told:
            return None
        return say(
            "warning.light_changed",
            "The light changed: frame {n} is {percent:.0f}% as bright as those before it.",
            n=number,
            percent=100 * share,
        )

    def _lamp_share(self, lit: float | None) -> float:
        """Share of the light that the lamp gives now. lit: brightness with it, when that was just seen."""
        if self._lamp is None:
            return 0.0
        dark = brightness(fresh_preview(self._camera).image)
        if lit is None:
            with self._lamp():
                lit = brightness(fresh_preview(self._camera).image)
        return (lit - dark) / max(lit, 1.0)


def brightness(picture: npt.NDArray[np.uint8]) -> float:
    """Mean grey value of a picture, BGR or grey."""
    return float(luma_of(picture).mean())
