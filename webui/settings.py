"""Settings of the phone pages."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from webui.lease import ANSWER_S

PIN_DIGITS = 6


def random_pin() -> str:
    """Six decimal digits from the system's random source, for a rig whose label has none."""
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"


@dataclass(frozen=True)
class PageSettings:
    """Who may look, and how many at once."""

    state_dir: Path  # where the hashes of paired phones' tokens are kept
    pin: str = field(default_factory=random_pin, repr=False)  # repr: settings end up in logs
    # Names the pages may be opened under. IP addresses are always accepted: DNS rebinding needs a name.
    host_names: tuple[str, ...] = ("localhost",)
    # The rig's own network, for the code that lets another phone join; none when the name is empty.
    wifi_name: str = ""
    wifi_key: str = field(default="", repr=False)
    # A simulated rig opens without a PIN on the computer it runs on: nothing there can be harmed.
    trust_loopback_when_simulated: bool = True
    session_days: int = 90
    answer_s: float = ANSWER_S  # for the phone in control to refuse another one
    max_streams: int = 8  # state streams; each holds a server thread
    max_waiting_previews: int = 8  # long polls; each holds a server thread
    max_body_bytes: int = 64 * 1024  # every request body is a small JSON object

    def __post_init__(self) -> None:
        if not (self.pin.isascii() and self.pin.isdigit() and len(self.pin) >= PIN_DIGITS):
            raise ValueError(f"the PIN must have at least {PIN_DIGITS} digits and nothing else")
        if self.session_days < 1:
            raise ValueError(f"session_days is {self.session_days}, it must be at least 1")
        if self.max_streams < 1 or self.max_waiting_previews < 1:
            raise ValueError("max_streams and max_waiting_previews must be at least 1")
