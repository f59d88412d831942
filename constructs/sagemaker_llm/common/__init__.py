"""What the other packages share: built functions, log groups, images, names, findings."""
