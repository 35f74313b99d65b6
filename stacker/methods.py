"""The fusion methods by name: what each of them weighs a frame's detail by. The only list of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """How the bands of the frames are weighed against one another.

    Weight = contrast ** exponent where contrast decides, a Gaussian around the depth where depth does.
    """

    name: str
    depth: bool  # does the focus map take part? Needs the survey of all frames first
    contrast: bool  # does contrast take part?
    exponent: float = 11.0  # 1 averages, infinity takes the frame with most contrast
    base_exponent: float = 4.0  # the same for the low-pass rest, by the contrast of the coarsest band
    restore: float = 1.0  # 1 gives the contrast back that blending with blurred frames costs, 0 leaves it


METHODS = {
    method.name: method
    for method in (
        Method("auto", depth=True, contrast=True),
        Method("pyramid", depth=False, contrast=True),
        Method("depthmap", depth=True, contrast=False),
        Method("average", depth=False, contrast=True, exponent=1.0, base_exponent=1.0, restore=0.0),
    )
}
