"""The files: each picture says from which text it was drawn, so a test need not draw it."""

import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "diagrams"


def mark(text: str) -> str:
    """Return the comment that a picture of this text ends with."""
    return f"<!-- drawn from {hashlib.sha256(text.encode()).hexdigest()} -->\n"


def draw(text: str, path: Path) -> None:
    """Draw a text in Graphviz's language."""
    script = Path(__file__).parent / "draw.mjs"
    command = [os.environ.get("JSII_NODE", "node"), str(script)]
    drawn = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    path.write_text(drawn.stdout.rstrip() + "\n" + mark(text), encoding="utf-8")
