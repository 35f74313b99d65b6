"""Live pictures on demand: read only while somebody waits, encoded once however many look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rig.devices.camera import Image, Preview, Roi
from rig.errors import RigError
from rig.pictures import crop, encode_jpeg, focus_score, shrink
from rig.status import PreviewJpeg

# Kept of one picture; a few phones ask for a few widths. More is somebody playing with the address bar.
MOST_VARIANTS = 8


@dataclass
class _Picture:
    look: Callable[[], Image]
    seq: int
    age_ms: int  # when it was published
    published: float
    encoded: dict[tuple[int, Roi | None], tuple[bytes, float]] = field(default_factory=dict)
    encoding: threading.Lock = field(default_factory=threading.Lock)


class PreviewHub:
    """One slot with the latest picture; those who wait get it, those who are slow skip some.

    read: the next live picture, or None when the camera is busy with something else just now. It is called
    on this object's own thread. failed: told of the error when read raises.
    """

    def __init__(
        self,
        read: Callable[[], tuple[Preview, int] | None],
        failed: Callable[[RigError], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._failed = failed
        self._clock = clock
        self._changed = threading.Condition()
        self._latest: _Picture | None = None
        self._seq = 0
        self._waiting = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="previews", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Let everybody who waits go with nothing, and end the thread. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def publish(self, image: Image, age_ms: int = 0) -> None:
        """Show this picture next: a live one, or the thumbnail of a frame. image: (h, w[, 3]) uint8 BGR."""
        self.publish_unseen(lambda: image, age_ms)

    def publish_unseen(self, look: Callable[[], Image], age_ms: int = 0) -> None:
        """As publish, of a picture that is only asked for when somebody looks, on the thread of who does."""
        with self._changed:
            self._seq += 1
            self._latest = _Picture(look, self._seq, age_ms, self._clock())
            self._changed.notify_all()

    def get(self, after_seq: int, width: int, timeout_s: float, roi: Roi | None = None) -> PreviewJpeg | None:
        """The first picture with seq > after_seq as JPEG no wider than width; None at the time limit.

        An after_seq that was never given out (from before a restart) counts as 0.
        """
        picture = self._wait(after_seq, timeout_s)
        if picture is None:
            return None
        jpeg, score = _encode_once(picture, width, roi)
        age_ms = picture.age_ms + round((self._clock() - picture.published) * 1000)
        return PreviewJpeg(jpeg, picture.seq, age_ms, score)

    def _wait(self, after_seq: int, timeout_s: float) -> _Picture | None:
        def newer() -> bool:
            return self._closed or (self._latest is not None and self._latest.seq > after_seq)

        with self._changed:
            if after_seq > self._seq:
                after_seq = 0
            self._waiting += 1
            self._changed.notify_all()
            try:
                found = self._changed.wait_for(newer, timeout_s)
            finally:
                self._waiting -= 1
            return self._latest if found and not self._closed else None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting > 0)
                if self._closed:
                    return
            try:
                read = self._read()
            except RigError as error:
                self._failed(error)
                read = None
            if read is not None:
                preview, age_ms = read
                self.publish(preview.image, age_ms)
            else:
                with self._changed:  # busy: a thumbnail may come meanwhile; look again soon
                    self._changed.wait_for(lambda: self._closed, 0.05)


def _encode_once(picture: _Picture, width: int, roi: Roi | None) -> tuple[bytes, float]:
    """JPEG and focus score of a picture for this width and part; the first who asks does the work."""
    with picture.encoding:
        key = (width, roi)
        if key not in picture.encoded:
            if len(picture.encoded) >= MOST_VARIANTS:
                picture.encoded.clear()
            part = crop(picture.look(), roi)
            picture.encoded[key] = encode_jpeg(shrink(part, width)), focus_score(part)
        return picture.encoded[key]
