"""One end-to-end use of each role: what fails when a permission is taken away."""
