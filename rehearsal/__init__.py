"""The way from a commit to production, rehearsed in the embedded AWS: `make rehearse`."""
