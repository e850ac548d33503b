#!/usr/bin/env bash
# Build the documents into site/, or serve them while you write: bash scripts/docs.sh [serve]
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh docs
export NO_MKDOCS_2_WARNING=1
if [ "${1:-}" = serve ]; then
  exec .venv/bin/mkdocs serve
fi
.venv/bin/mkdocs build --strict
echo "open site/index.html, or: bash scripts/docs.sh serve"
