#!/bin/sh
# Refuses a commit that changes a golden, unless `GOLDEN=1 git commit` says that it is meant.
changed=$(git diff --cached --name-only -- tests/infrastructure/golden)
[ -z "$changed" ] || [ "$GOLDEN" = 1 ] || {
  echo "read the diff, then commit with GOLDEN=1 to accept changed templates, got:" "$changed" >&2
  exit 1
}
