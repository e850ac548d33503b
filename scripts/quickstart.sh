#!/usr/bin/env bash
# From nothing to a forecast and a picture: install, train on data/ (real daily weather), forecast.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
out="runs/quickstart_$(date +%Y-%m-%d_%H-%M-%S)_$$"
.venv/bin/tsconv train experiment=quickstart run_dir="$out"
.venv/bin/tsconv forecast bundle="$out/bundle" data.path=data/seattle_weather.csv \
  output="$out/forecast.csv" plot="$out/forecast.png" >/dev/null
echo
echo "forecast: $out/forecast.csv"
echo "picture:  $out/forecast.png"
