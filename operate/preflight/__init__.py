"""Whether an account is ready for an environment, asked before anything is billed."""
