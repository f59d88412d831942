"""From a commit to an environment: the assembly, its deployment, and what CI says of it."""
