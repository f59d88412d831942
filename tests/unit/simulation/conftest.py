"""Simulations of minutes, as plain Python: compiling them takes longer than they do."""

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"
