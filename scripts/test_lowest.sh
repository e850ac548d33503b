#!/usr/bin/env bash
# The tests with the lowest versions that pyproject.toml allows, in .venv-lowest.
#   bash scripts/test_lowest.sh [pytest arguments]
# torch is the tested version of constraints.txt, as its older builds for the CPU are not on PyPI and
# those for CUDA are gigabytes; LOWEST_TORCH=torch==2.11.0 takes another.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-lowest
bin="$venv/bin"
list="$venv/lowest.txt"
torch="${LOWEST_TORCH:-$(grep '^torch==' constraints.txt)}"
if [ ! -f "$list" ] || [ pyproject.toml -nt "$list" ] || ! grep -qx "# $torch" "$list"; then
  [ -x "$bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
  "$bin/python" -m pip install --quiet "$torch" uv
  # torch is there: its requirement is overridden by one that no Python meets.
  echo "torch ; python_version < '3'" >"$venv/override.txt"
  "$bin/uv" pip compile --quiet --resolution lowest-direct --override "$venv/override.txt" \
    --python "$bin/python" --extra dev --extra postgres --extra tensorboard --no-annotate \
    --no-header --output-file "$list.new" pyproject.toml
  "$bin/uv" pip install --quiet --python "$bin/python" --no-deps --requirement "$list.new"
  "$bin/uv" pip install --quiet --python "$bin/python" --no-deps --editable .
  echo "# $torch" >>"$list.new"
  mv "$list.new" "$list"
fi
export OMP_NUM_THREADS=1
# Every dependency is used by these; the rest of the suite tests our own code alone.
set -- -m "not slow" -n "${TEST_PROCESSES:-2}" --dist loadfile \
  --ignore tests/property --ignore tests/nn --ignore tests/integration "$@"
exec "$bin/pytest" tests "$@"
