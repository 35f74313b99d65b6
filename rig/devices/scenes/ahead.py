"""A view drawn before anybody asks for it: while the drive settles, the processor has nothing else to do."""

from __future__ import annotations

import threading
from functools import partial

from rig.devices.scenes.view import SceneView


class Ahead:
    """Draws the surfaces of a view, and then all rows at one focus, in a thread that ends when that is done."""

    def __init__(self, view: SceneView) -> None:
        self._view = view
        self._guard = threading.Lock()
        self._wanted: float | None = None
        self._thread: threading.Thread | None = None

    def begin(self, focus_um: float | None = None) -> None:
        """Draw for this focus, and no longer for another; None: only the surfaces. Returns at once."""
        with self._guard:
            if focus_um is None and (self._view.drawn or self._thread is not None):
                return
            if focus_um is not None and focus_um == self._wanted:
                return
            self._wanted = focus_um
            if self._thread is None:
                self._thread = threading.Thread(target=self._draw, name="drawing ahead", daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """Draw nothing any more; what was drawn may be let go when it returns."""
        with self._guard:
            self._wanted, thread = None, self._thread
        if thread is not None:
            thread.join()

    def _draw(self) -> None:
        while True:
            wanted = self._wanted
            self._view.draw(wanted, partial(self._is_late, wanted))
            with self._guard:
                if self._wanted == wanted:
                    self._thread = None
                    return

    def _is_late(self, focus_um: float | None) -> bool:
        return self._wanted != focus_um
