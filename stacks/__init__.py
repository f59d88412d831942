"""The deployment units, and the environments that they are deployed to."""
