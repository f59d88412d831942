"""Holds a stack's update until the streams of the version before are over."""
