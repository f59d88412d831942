"""What a deployed model finds in long prompts, asked through its REST API."""

import sys
from pathlib import Path

# The questions are the jobs': the pipeline's evaluation asks them too.
sys.path.append(str(Path(__file__).parents[2] / "jobs"))
