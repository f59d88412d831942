"""What every route shares: requests in, answers, errors and log lines out."""
