"""What the import desk gets of the rig: room and names in the store, stacks in the background, and quiet."""

from __future__ import annotations

from typing import Any

from rig.bracketfolder import BracketFolder
from rig.control import Control
from rig.stackorders import stacker_settings
from rig.stackqueue import StackQueue, StackTask
from rig.status import Phase

DISTURBED = {Phase.HOMING, Phase.FOCUSING, Phase.CAPTURING}  # by reading a card and decoding pictures


class RigShelf:
    """See rig.importdesk.Shelf."""

    def __init__(self, control: Control, stacks: StackQueue) -> None:
        self._control = control
        self._stacks = stacks

    def room(self) -> int:
        """Bytes free for brackets."""
        return self._control.store.room()

    def begin(self, expected_bytes: int, head: dict[str, Any]) -> BracketFolder:
        """A new bracket that has no name yet; ids are given one at a time. Raises StorageFullError."""
        with self._control.guard:
            return self._control.store.begin(expected_bytes, **head)

    def checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the stacker is to be told, complete. Raises ConfigError."""
        return stacker_settings(self._control.settings.stacking, settings)

    def stack(self, bracket_id: str, settings: dict[str, Any]) -> StackTask:
        """Order its stack, in the background. settings: checked."""
        control = self._control
        with control.guard:
            folder = control.store.folder_of(bracket_id)
            frames = [folder.frame_path(one.index) for one in control.store.detail(bracket_id).in_focus_order]
            task = StackTask(folder, frames, settings, control.settings.stacking.depth_map, background=True)
            self._stacks.put(task)
            return task

    def prefer(self, task: StackTask) -> None:
        """Stack this one before the others in the background."""
        self._stacks.prefer(task)

    def wants_quiet(self) -> bool:
        """Whether something moves or exposes."""
        return self._control.state in DISTURBED
