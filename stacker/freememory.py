"""How much memory a job may take before the system ends it: what is free, or what its control groups leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# Limit and usage of a control group, and what of its page cache can be given up: of versions 2 and 1.
# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory, https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
_OF_VERSION_2 = "memory.max", "memory.current", "inactive_file"
_OF_VERSION_1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"


def free_mb(root: Path = Path("/")) -> int | None:
    """Memory that this process may take in all, what it has already included, MB; None where that is not known.

    The system's MemAvailable, or less where a control group caps it, as a service manager or a container does.
    """
    free = [bytes_free for bytes_free in (_available(root), *_left_in_groups(root)) if bytes_free is not None]
    own = kernel_figure(root / "proc/self/status", "RssAnon:") or 0  # kB
    return None if not free else (min(free) + 1024 * own) // 2**20


def _available(root: Path) -> int | None:
    """Bytes the system could give to a new job."""
    available = kernel_figure(root / "proc/meminfo", "MemAvailable:")
    return None if available is None else 1024 * available


def _left_in_groups(root: Path) -> Iterator[int]:
    """Bytes that each control group of this process has left, its own and those around it."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from _left_in(root / "sys/fs/cgroup", group, _OF_VERSION_2)
        elif "memory" in controllers.split(","):
            yield from _left_in(root / "sys/fs/cgroup/memory", group, _OF_VERSION_1)


def _left_in(mount: Path, group: str, names: tuple[str, str, str]) -> Iterator[int]:
    """The same of one group and those around it. In a container the mount itself may be the group."""
    limit_name, usage_name, cache_name = names
    inner = mount / group.lstrip("/")
    for folder in (inner, *inner.parents):
        limit, usage = (_text(folder / name).strip() for name in (limit_name, usage_name))
        if limit.isdigit() and usage.isdigit():  # no limit: "max", or more than there is
            cache = kernel_figure(folder / "memory.stat", cache_name) or 0
            yield max(int(limit) - int(usage) + cache, 0)
        if folder == mount:
            return


def kernel_figure(file: Path, name: str) -> int | None:
    """What stands behind a name in one of the kernel's tables; None where it does not."""
    for line in _text(file).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError):
        return ""
