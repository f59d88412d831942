"""The stage `local` in the embedded AWS of this machine."""
