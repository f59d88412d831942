"""The files: each picture says from which text it was drawn, so a test need not draw it."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .dot import dot

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "diagrams"
# The synthesized templates, which another test holds to what synth writes.
_TEMPLATES = ROOT / "tests" / "infrastructure" / "golden" / "prod"
_PICTURES = {"request": ("api", "serving"), "release": ("training", "serving")}


def texts() -> Iterator[tuple[Path, str]]:
    """Yield each picture's file, and what it is to be drawn from."""
    for name, stacks in _PICTURES.items():
        bodies = {
            f"Prod-{stack.capitalize()}": json.loads((_TEMPLATES / f"{stack}.json").read_text())
            for stack in stacks
        }
        yield FOLDER / f"{name}.svg", dot(bodies)


def is_drawn_from(path: Path, text: str) -> bool:
    """Return whether a picture was drawn from this text."""
    return path.exists() and path.read_text(encoding="utf-8").endswith(_mark(text))


def draw(path: Path, text: str) -> None:
    """Draw a text in Graphviz's language."""
    script = Path(__file__).parent / "draw.mjs"
    command = [os.environ.get("JSII_NODE", "node"), str(script)]
    drawn = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    path.write_text(drawn.stdout.rstrip() + "\n" + _mark(text), encoding="utf-8")


def _mark(text: str) -> str:
    return f"<!-- drawn from {hashlib.sha256(text.encode()).hexdigest()} -->\n"
