"""Whether the camera's full-size buffers find room where they must lie."""

from __future__ import annotations

import os
from pathlib import Path

from rig.config import CameraSettings
from rig.diagnosis import Check, Health, meminfo
from rig.durable import megabytes
from rig.plan import FULL_SIZE_PX

CONTIGUOUS = "linux,cma"
RAW_BYTES_PER_PX = 2.0  # unpacked; packed it is 1.5
MORE = "dtoverlay=vc4-kms-v3d,cma-256 (or cma-384, cma-512) in /boot/firmware/config.txt gives more, after a restart"


def check_camera_memory(camera: CameraSettings, sys_root: Path) -> tuple[Check, ...]:
    """Whether the full-size buffers fit where they must lie: in contiguous memory, up to the Pi 4.

    Nothing is said where there is neither: no Pi. The driver itself steps down to as many as it gets (ENOMEM).
    """
    name, heaps = "camera memory", sys_root / "dev/dma_heap"
    heap = next((one for one in (heaps / "vidbuf_cached", heaps / CONTIGUOUS) if one.exists()), None)
    sizes = meminfo(sys_root)
    total = sizes.get("CmaTotal", 0)
    if heap is None and not total:
        return ()
    if heap is not None and not os.access(heap, os.R_OK | os.W_OK):
        advice = "sudo usermod -aG video $USER, then log in again"
        return (Check(name, Health.NOTE, f"this user may not use {heap}", advice),)
    if heap is not None and heap.resolve().name == "system":
        return (Check(name, Health.GOOD, "any memory will do (Pi 5): there is no ceiling but all of it"),)
    wanted, each = camera.buffers, buffer_bytes(camera)
    found = (
        f"{megabytes(sizes.get('CmaFree', 0))} of {megabytes(total)} contiguous memory (CMA) free; "
        f"{wanted} full-size buffers of {megabytes(each)} are wanted (camera.buffers)"
    )
    if total < each:
        return (Check(name, Health.BAD, f"{found}: not even one fits, the camera cannot start", MORE),)
    if total < wanted * each:
        return (Check(name, Health.NOTE, f"{found}: with fewer, frames come more slowly", MORE),)
    if sizes.get("CmaFree", 0) < wanted * each:
        running = f"unless it is a running Fieldstack that has them, close other programs; {MORE}"
        return (Check(name, Health.NOTE, f"{found}: in use now", running),)
    return (Check(name, Health.GOOD, found),)


def buffer_bytes(camera: CameraSettings) -> int:
    """Of one of its full-size buffers, with the small picture and the raw data that go with it."""
    width, height = FULL_SIZE_PX
    row = -(-width // 64) * 64  # rows are padded
    small = camera.preview_width_px**2 * height // width
    raw = RAW_BYTES_PER_PX * width * height if camera.dng else 0
    return round(1.5 * (row * height + small) + raw)
