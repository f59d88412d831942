"""Measurements of what is deployed, and of what it is built with."""

import sys
from pathlib import Path

# The questions about long prompts and the look of a report are the jobs': the pipeline's evaluation
# has them too.
sys.path.append(str(Path(__file__).parents[1] / "jobs"))
