#!/bin/bash
# The shell that make is given to check a command: it runs no line of a recipe, and prints, for those
# that start Python, what Python would get.
python() { printf '%s\0' "$@"; printf '\n'; }
while [ $# -gt 1 ]; do shift; done
case "$1" in "python -m "* | PYTHONPATH=*"python -m "*) eval "python ${1#*python }" ;; esac
