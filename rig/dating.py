"""Brackets shot before anybody knew the time are dated as soon as somebody does."""

from __future__ import annotations

from rig.errors import NoSuchBracketError, StoreError
from rig.store import Store
from rig.timeofday import ClockSource, TimeOfDay


def date_later(store: Store, time: TimeOfDay) -> int:
    """Date this boot's brackets that were shot by an untrusted clock; how many there were.

    Their age comes from the time since the start of the computer, which no setting of a clock changes.
    """
    if time.source is ClockSource.OWN:
        return 0
    dated = 0
    for bracket_id in store.ids():
        folder = store.folder_of(bracket_id)
        try:
            facts = folder.facts()
        except (StoreError, NoSuchBracketError):
            continue
        head = facts[0]
        if head.get("imported") is not None:
            continue  # another camera's clock dated it
        if head.get("boot") != time.boot:
            break  # this one and all with smaller numbers are of earlier boots
        if head.get("clock") != ClockSource.OWN or any(fact["fact"] == "dated" for fact in facts):
            continue
        created = time.date(float(head["uptime_s"]))
        if created != head.get("created"):
            folder.note("dated", created=created, clock=time.source.value)
            dated += 1
    return dated
