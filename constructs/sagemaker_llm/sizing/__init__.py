"""From a declared load and a measured profile to targets, limits and cost: plain arithmetic."""
