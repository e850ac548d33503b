#!/usr/bin/env bash
# Make .venv and install tsconv with the tested versions; a second call costs a second.
#   bash scripts/setup.sh [extra]     extra: dev
set -euo pipefail
cd "$(dirname "$0")/.."
extra="${1:-}"
python="${PYTHON:-python3}"
"$python" - <<'PY' || { echo "tsconv needs Python 3.11 or later; set PYTHON=/path/to/python3.11" >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY
stamp=".venv/.installed-${extra:-core}"
if [ ! -f "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints.txt -nt "$stamp" ]; then
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  # torch first and by its exact version: a range would pull gigabytes of another build.
  torch=$(grep '^torch==' constraints.txt)
  .venv/bin/python -m pip install --quiet "$torch"
  .venv/bin/python -m pip install --quiet --constraint constraints.txt --editable ".${extra:+[$extra]}"
  touch "$stamp"
fi
