"""What a person runs, on this machine and on any environment: `python -m operate --help`."""
