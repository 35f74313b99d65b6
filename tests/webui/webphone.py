"""A phone, as the tests hold it."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

PIN = "402913"
CHANGE = {"X-Rig": "1"}  # with JSON as content type: what our own pages send with every change


class Phone:
    """A client that sends what the pages' own scripts send."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, address: str, **more: Any) -> Any:
        return self.client.get(address, **more)

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(address, json=body or {}, headers=CHANGE | _dashed(headers))

    def delete(self, address: str) -> Any:
        return self.client.delete(address, json={}, headers=CHANGE)

    def put(self, address: str, body: Any = None) -> Any:
        return self.client.put(address, json=body or {}, headers=CHANGE)

    def patch(self, address: str, body: Any = None) -> Any:
        return self.client.patch(address, json=body or {}, headers=CHANGE)


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
