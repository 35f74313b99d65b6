"""Every error the rig raises on purpose, on one page.

Each message names the thing, the value and what would be right, so that it can be shown to the photographer as it
stands; it is made by rig.saying.say, so that it can be said in the photographer's language.
"""

from __future__ import annotations

from rig.saying import Said, plain


class RigError(Exception):
    """Root of everything the rig raises on purpose.

    kept: what is safe on the card in spite of the error, as a sentence; None when nothing was under way.
    """

    kept: Said | None = None

    @property
    def said(self) -> Said:
        """What the error says, with its code where it has one."""
        return plain(self.args[0] if len(self.args) == 1 else self)


class ConfigError(RigError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class PlanError(RigError, ValueError):
    """A bracket cannot be planned from these figures."""


class BusyError(RigError, RuntimeError):
    """A job is running; the rig does one at a time."""


class NotAllowedError(RigError, RuntimeError):
    """The action does not exist in the present state."""


class CameraError(RigError, RuntimeError):
    """The camera is absent, busy or gave no picture."""


class CameraTimeoutError(CameraError, TimeoutError):
    """The camera did not deliver within the time allowed."""


class CameraStalledError(CameraError):
    """The camera did not deliver, and reopening it did not help.

    No CameraTimeoutError, for whoever restarts the camera at one of those need not do it once more.
    """


class MotorError(RigError, RuntimeError):
    """The focus motor does not move as told."""


class MotorStillError(MotorError):
    """The steps were sent, and the picture shows that nothing moved."""

    def __init__(self, sentence: Said, again_from: int | None = None) -> None:
        """again_from: index of the first frame that may show another focus than it was meant to; None: no frame."""
        super().__init__(sentence)
        self.again_from = again_from


class FocusRangeError(MotorError, ValueError):
    """A focus position outside the soft limits was asked for."""


class FocusNotFoundError(RigError, ValueError):
    """Nothing there comes into focus: no detail, no light, or out of the travel."""


class DriftError(FocusNotFoundError):
    """What a search for focus found cannot be believed: the drive lost steps meanwhile."""


class EndstopError(MotorError):
    """The endstop was hit unexpectedly, or was not found while homing."""


class StepsLostError(EndstopError):
    """The drive is not where its count says: it made fewer steps than it was told to."""


class GpioError(RigError, RuntimeError):
    """The GPIO lines cannot be used: no chip, no library, or a line that somebody else holds."""


class LineBusyError(GpioError):
    """A GPIO line that the rig needs is in somebody else's hands."""


class LightError(RigError, RuntimeError):
    """There is no light any more: the rig's lamp does not burn, or something has gone dark."""


class PanelError(RigError, RuntimeError):
    """The button, LED or buzzer cannot be reached."""


class PowerError(RigError, RuntimeError):
    """The computer does not let itself be switched off."""


class StoreError(RigError, OSError):
    """The brackets' folder cannot be read or written."""


class StorageFullError(StoreError):
    """There is not enough free space for what was asked."""


class NoSuchBracketError(RigError, KeyError):
    """No bracket has this id."""

    def __str__(self) -> str:
        return str(self.args[0])


class StackFailedError(RigError, RuntimeError):
    """The stacker process ended without a result; the frames are safe."""


class NoSuchSourceError(RigError, KeyError):
    """No card or folder has this id, or it is not there any more."""

    def __str__(self) -> str:
        return str(self.args[0])


class SourceError(RigError, OSError):
    """A card or folder cannot be read, or is not what it was when it was looked through."""


class NotOneBracketError(RigError, ValueError):
    """The frames chosen do not exist, or cannot be stacked together."""


class NoSuchJobError(RigError, KeyError):
    """No job has this id; those of before the last start are forgotten."""

    def __str__(self) -> str:
        return str(self.args[0])


class NoSuchTargetError(RigError, KeyError):
    """No stick or folder to copy to has this id, or it is not there any more."""

    def __str__(self) -> str:
        return str(self.args[0])


class TargetError(RigError, OSError):
    """A stick or folder to copy to cannot take what it is to take."""
