"""What holds for a whole account: bootstrap, image digests, job logs."""
