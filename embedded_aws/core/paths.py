"""Paths that others name, held inside the folder that is meant."""

from pathlib import Path


def inside(folder: Path, path: Path) -> Path:
    """Return `path`, which may not exist yet; raise ValueError when it lies outside the folder.

    Links count as what they lead to: a program can put one where a file was.
    """
    if ".." in path.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path} is outside its folder")
    return path
