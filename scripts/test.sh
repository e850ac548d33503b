#!/usr/bin/env bash
# Virtual environment, install, lint, types, tests: the whole check, as CI runs it.
#   bash scripts/test.sh [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh dev
bin=.venv/bin
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
# Two processes share two cores best with one thread each.
export OMP_NUM_THREADS=1
exec "$bin/pytest" -m "not slow" -n "${TEST_PROCESSES:-2}" --dist loadfile "$@"
