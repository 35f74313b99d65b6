"""What the rig remembers from one start to the next: near, far, where the focus stood."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from rig.box import Box, checked_box
from rig.durable import write_derived
from rig.ending import end_within
from rig.errors import NotAllowedError, StoreError

END_WITHIN_S = 10.0  # for a card that does not answer
log = logging.getLogger(__name__)

FILE = "recipe.json"


@dataclass(frozen=True)
class Recipe:
    """The bracket that the button shoots, and the last focus position known. None: not set."""

    near_steps: int | None = None
    far_steps: int | None = None
    step_steps: int | None = None  # None: from the optics
    position_steps: int | None = None
    box: Box | None = None  # part of the picture that near and far were found for; None: all of it
    rig: str | None = None  # name of the simulated scene these belong to; None: the real rig

    def for_rig(self, rig: str | None) -> Recipe:
        """The same when it belongs to that rig, else an empty one: positions mean nothing elsewhere."""
        return self if self.rig == rig else Recipe(rig=rig)

    def limits(self) -> tuple[int, int] | None:
        """Near and far, when both are set."""
        if self.near_steps is None or self.far_steps is None:
            return None
        return self.near_steps, self.far_steps


def with_limits(recipe: Recipe, near_steps: int | None, far_steps: int | None) -> Recipe:
    """The recipe with these limits, put in order: near comes first. Other ones than before were found for no box."""
    if near_steps is not None and far_steps is not None:
        near_steps, far_steps = min(near_steps, far_steps), max(near_steps, far_steps)
    same = (near_steps, far_steps) == (recipe.near_steps, recipe.far_steps)
    return replace(recipe, near_steps=near_steps, far_steps=far_steps, box=recipe.box if same else None)


def load_recipe(folder: Path) -> Recipe:
    """The recipe kept in folder; an empty one when there is none that can be read."""
    try:
        value = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return Recipe()
    if not isinstance(value, dict):
        return Recipe()
    steps = (field.name for field in fields(Recipe) if field.name.endswith("_steps"))
    known = {name: number if type(number := value.get(name)) is int else None for name in steps}
    rig = value.get("rig")
    return Recipe(**known, box=_box(value.get("box")), rig=rig if isinstance(rig, str) else None)


def _box(value: object) -> Box | None:
    try:
        return checked_box(value) if isinstance(value, list) else None
    except NotAllowedError:
        return None


def save_recipe(folder: Path, recipe: Recipe) -> None:
    """Keep the recipe in folder. Raises StoreError.

    Without an fsync: it is written after every jog, and an older recipe after a power cut does no harm.
    """
    write_derived(folder / FILE, (json.dumps(asdict(recipe)) + "\n").encode())


class RecipeKeeper:
    """Keeps the latest recipe from a thread of its own: a card that is busy must not hold up a command.

    Between two writes only the newest counts. Safe to call from any thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._news = threading.Condition()
        self._wanted: Recipe | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def keep(self, recipe: Recipe) -> None:
        """Write it soon."""
        with self._news:
            self._wanted = recipe
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recipe", daemon=True)
                self._thread.start()
            self._news.notify()

    def close(self) -> None:
        """What is to be kept is on its way to the card when this returns. Safe to call twice."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            end_within(self._thread, END_WITHIN_S)

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._wanted is not None or self._closed)
                recipe, self._wanted = self._wanted, None
            if recipe is None:
                return
            try:
                save_recipe(self._folder, recipe)
            except StoreError as error:  # a full card must not stop the focus from moving
                log.warning("near, far and position will not be remembered: %s", error)
