"""HTTP as every route uses it: request bodies, answers, errors, log lines."""
