"""What an account and its deployments are held to: bootstrap, image digests, job logs."""
