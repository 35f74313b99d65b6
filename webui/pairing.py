"""Who may come in: a phone proves that its owner stands at the rig, by its button or its PIN, or is invited.

A paired phone holds a random token in a cookie; the rig keeps only the token's hash.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rig.saying import say
from webui.errors import (
    AskedTooOftenError,
    ButtonConflictError,
    NoSuchThingError,
    TooManyTriesError,
    WrongPinError,
)

FREE_TRIES = 5  # wrong PINs, or waits for the button, before everyone has to wait
FIRST_WAIT_S = 30.0  # doubled by each further one
LONGEST_WAIT_S = 3600.0  # at this pace a million PINs last a century
BUTTON_WINDOW_S = 30.0
INVITATION_S = 120.0
NAME_LENGTH = 40
CLOCK_WAS_SET = 1_704_067_200.0  # 2024: a Pi without a clock chip starts in the past


@dataclass(frozen=True)
class Phone:
    """A paired phone. `id` is public; the token's hash never leaves the file."""

    id: str
    name: str
    token_sha256: str
    paired_at: float  # seconds since 1970, by the clock the rig had then


@dataclass(frozen=True)
class _Ticket:
    """A phone that waits for the button."""

    id: str
    name: str
    asked_at: float  # monotonic
    pressed: bool = False


class _Brake:
    """A few tries are free; then everybody waits, after each further one twice as long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tries = 0
        self._closed_until = 0.0

    def wait_s(self) -> float:
        """How long everybody has to wait; 0 or less: not at all."""
        return self._closed_until - self._clock()

    def count(self) -> None:
        """Another try."""
        self._tries += 1
        over = self._tries - FREE_TRIES
        if over >= 0:
            self._closed_until = self._clock() + min(FIRST_WAIT_S * 2.0 ** min(over, 20), LONGEST_WAIT_S)

    def release(self) -> None:
        """Somebody has come in."""
        self._tries = 0


class Pairing:
    """The list of paired phones and the two ways onto it. Safe to call from any thread."""

    def __init__(
        self,
        path: Path,
        pin: str,
        *,
        session_days: int = 90,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """path: the JSON file of paired phones. now: wall clock, s. clock: monotonic, s."""
        self._path, self._pin = path, pin
        self._session_s = session_days * 86400.0
        self._now, self._clock = now, clock
        self._lock = threading.Lock()
        self._wrong_pins = _Brake(clock)
        self._asked = _Brake(clock)  # for the button
        self._mixed_until = 0.0  # two phones wait for the button, and a press could mean either
        self._ticket: _Ticket | None = None
        self._invitation: tuple[str, float] | None = None  # digest, and until when (monotonic)
        self._phones = _load(path)

    # --- by PIN -----------------------------------------------------------------------------------
    def with_pin(self, pin: str, name: str) -> str:
        """The token of a newly paired phone. Raises WrongPinError, TooManyTriesError.

        The brake is one for all phones: an address costs an attacker nothing to change.
        """
        with self._lock:
            if (wait_s := self._wrong_pins.wait_s()) > 0:
                raise TooManyTriesError(
                    say("pair.too_many_tries", "Too many wrong PINs; try again in {n:.0f} s.", n=wait_s),
                    retry_after_s=int(wait_s) + 1,
                )
            if not hmac.compare_digest(pin.encode(), self._pin.encode()):
                self._wrong_pins.count()
                raise WrongPinError(say("pair.wrong_pin", "This is not the PIN of this rig."))
            self._wrong_pins.release()
            return self._admit(name)

    # --- by button ----------------------------------------------------------------------------------
    def ask_button(self, name: str) -> str:
        """A ticket for the phone that waits for the button, good for BUTTON_WINDOW_S.

        Raises ButtonConflictError when another phone waits too, and then nobody comes in by the button for as long:
        a press could not tell them apart, also when one of them asks once more. Raises AskedTooOftenError, lest
        somebody always waits for the photographer to press the button, who only wants to shoot.
        """
        with self._lock:
            if self._waiting() is not None:
                self._ticket = None
                self._mixed_until = self._clock() + BUTTON_WINDOW_S
            if (mixed_s := self._mixed_until - self._clock()) > 0:
                raise ButtonConflictError(
                    say(
                        "pair.two_phones",
                        "Two phones asked for the button at once; ask again in {n:.0f} s or use the PIN.",
                        n=mixed_s,
                    )
                )
            if (wait_s := self._asked.wait_s()) > 0:
                raise AskedTooOftenError(
                    say(
                        "pair.too_many_asked",
                        "The button was asked for too often; ask again in {n:.0f} s or use the PIN.",
                        n=wait_s,
                    ),
                    retry_after_s=int(wait_s) + 1,
                )
            self._asked.count()
            self._ticket = _Ticket(secrets.token_hex(16), name, self._clock())
            return self._ticket.id

    def press(self) -> bool:
        """The rig's button was pressed. True when a phone waited for that: then it means nothing else."""
        with self._lock:
            waiting = self._waiting()
            if waiting is None or waiting.pressed:
                return False
            self._ticket = replace(waiting, pressed=True)
            return True

    def collect(self, ticket: str) -> str | None:
        """The token once the button was pressed, None while it was not. Raises NoSuchThingError."""
        with self._lock:
            waiting = self._waiting()
            if waiting is None or not hmac.compare_digest(waiting.id.encode(), ticket.encode()):
                raise NoSuchThingError(say("pair.wait_over", "This wait for the button is over; ask again."))
            if not waiting.pressed:
                return None
            self._ticket = None
            self._asked.release()
            return self._admit(waiting.name)

    def _waiting(self) -> _Ticket | None:
        ticket = self._ticket
        if ticket is not None and self._clock() - ticket.asked_at > BUTTON_WINDOW_S:
            ticket = self._ticket = None
        return ticket

    # --- by invitation ------------------------------------------------------------------------------
    def invite(self) -> str:
        """A word that lets one phone in within INVITATION_S; an earlier one counts no more."""
        word = secrets.token_urlsafe(16)
        with self._lock:
            self._invitation = _digest(word), self._clock() + INVITATION_S
        return word

    def with_invitation(self, word: str, name: str) -> str:
        """The token of a newly paired phone. Raises NoSuchThingError when the word does not count (any more)."""
        with self._lock:
            digest, until = self._invitation or ("", 0.0)
            if self._clock() > until or not hmac.compare_digest(_digest(word), digest):
                raise NoSuchThingError(
                    say("pair.invitation_over", "This invitation counts no more; ask for a new one.")
                )
            self._invitation = None
            return self._admit(name)

    # --- the list ---------------------------------------------------------------------------------
    def phone(self, token: str) -> Phone | None:
        """The paired phone that holds this token, None for anything else."""
        digest = _digest(token)
        with self._lock:
            found = next((p for p in self._phones if hmac.compare_digest(p.token_sha256, digest)), None)
            if found is None:
                return None
            now = self._now()
            if found.paired_at < CLOCK_WAS_SET <= now:  # paired before the clock was known: count from here
                found = self._put(replace(found, paired_at=now))
            return found if now - found.paired_at <= self._session_s else None

    def phones(self) -> tuple[Phone, ...]:
        """Every paired phone, oldest first."""
        with self._lock:
            return tuple(self._phones)

    def revoke(self, phone_id: str) -> None:
        """Forget a phone. Raises NoSuchThingError."""
        with self._lock:
            rest = [p for p in self._phones if p.id != phone_id]
            if len(rest) == len(self._phones):
                raise NoSuchThingError(
                    say("pair.no_such_phone", "No paired phone has the id {id}.", id=phone_id)
                )
            self._phones = rest
            _save(self._path, rest)

    def _admit(self, name: str) -> str:
        token = secrets.token_urlsafe(32)
        name = (
            "".join(letter for letter in " ".join(name.split()) if letter.isprintable())[:NAME_LENGTH]
            or "Phone"
        )
        self._put(Phone(secrets.token_hex(4), name, _digest(token), self._now()))
        return token

    def _put(self, phone: Phone) -> Phone:
        self._phones = [*(p for p in self._phones if p.id != phone.id), phone]
        _save(self._path, self._phones)
        return phone


def _digest(token: str) -> str:
    """A fast hash is enough: the token has 256 random bits, there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def _load(path: Path) -> list[Phone]:
    """The phones in the file; none when it is missing or damaged (they pair again)."""
    try:
        return [Phone(**entry) for entry in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _save(path: Path, phones: list[Phone]) -> None:
    """Replace the file in one step, readable by the rig alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump([asdict(p) for p in phones], file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
