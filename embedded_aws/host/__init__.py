"""How the embedded AWS lives on this machine: its process, its folder, its programs."""
