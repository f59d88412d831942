"""Takes each permission away in turn, and sees what then fails: `make least-privilege`."""
