"""A proof of least privilege: it removes each permission in turn, and probes what then fails."""
