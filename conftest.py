"""The temporary files of a session lie in one folder, which is deleted at its end.

Otherwise many stay: what is ended by a signal deletes none, and on a busy machine even jsii's Node
is, which holds the output of every `cdk.App()`.
"""

import atexit
import os
import shutil
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:  # A worker inherits the folder.
    # Not pytest's own folders, of which it keeps those of three sessions.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    # Short, because sockets lie in it.
    tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="tests-")
    # Registered first, this runs last, when jsii has ended its process.
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)
