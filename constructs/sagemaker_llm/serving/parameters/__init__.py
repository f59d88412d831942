"""The parameters of a deployed stack that operators and releases set."""
