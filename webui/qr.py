"""QR codes as rows of squares, for a page to draw: no picture format, no markup."""

from __future__ import annotations

import segno

Rows = list[str]  # "1" is dark; without the quiet zone, which the page adds

# In a Wi-Fi code: https://github.com/zxing/zxing/wiki/Barcode-Contents#wi-fi-network-config.
ESCAPED = '\\;,:"'


def code(text: str) -> Rows:
    """The QR code of a text, with a quarter of it allowed to be unreadable in the sun."""
    return ["".join(map(str, row)) for row in segno.make(text, error="q", micro=False).matrix]


def wifi(name: str, key: str) -> str:
    """What a phone's camera understands as "join this network"."""
    return f"WIFI:T:WPA;S:{_escaped(name)};P:{_escaped(key)};;"


def _escaped(text: str) -> str:
    return "".join(f"\\{one}" if one in ESCAPED else one for one in text)
