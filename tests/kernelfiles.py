"""The kernel's small files, in a folder that stands for the root."""

from pathlib import Path


def kernel_files(root: Path, **texts: str) -> Path:
    """Make files of these paths, with __ for /, below root; returns it."""
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
