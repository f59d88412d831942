"""What outlives a process: the state of one instant, on the disk."""
