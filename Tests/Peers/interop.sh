#!/bin/sh
# Holds Lorikeet against the real libraries: makes every golden again and compares it with the one that is kept, runs the live
# comparisons, then the peers' benchmark.
#
# Usage: interop.sh [--no-peers] [--rounds N]          (from anywhere; `make interop` calls it)
# Needs python3 with venv, a C++ compiler for llama-cpp-python, and a built .build/release/lorikeet-bench for the table.
# About 6 GB go into .build/interop-venv, once.
set -eu

rounds=3
peers=yes
while [ $# -gt 0 ]; do
  case "$1" in
    --no-peers) peers=no ;;
    --rounds) [ $# -ge 2 ] || { echo "interop.sh: --rounds needs a number" >&2; exit 2; }; rounds=$2; shift ;;
    *) echo "interop.sh: unknown argument $1" >&2; exit 2 ;;
  esac
  shift
done

cd "$(dirname "$0")/../.."
venv=.build/interop-venv
python=$venv/bin/python
failed=""

say() { printf '\n== %s\n' "$*"; }

# One mark a requirements file, made when its installation has ended well and named by its content.
install() { # file
  mark="$venv/installed-$(cksum < "$1" | tr ' ' '-')"
  [ -e "$mark" ] && return 0
  say "installing $1"
  $python -m pip install --quiet --requirement "$1" && touch "$mark"
}

[ -x "$python" ] || python3 -m venv "$venv"
install Tests/Fixtures/goldens-requirements.txt

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
for script in Tests/Fixtures/*/make_*.py; do
  room=$(basename "$(dirname "$script")")
  say "making again: $script"
  out="$made/$room-$(basename "$script" .py)"
  mkdir -p "$out"
  if $python "$script" "$out" > "$out.log" 2>&1; then
    $python Tests/Peers/check_goldens.py "Tests/Fixtures/$room" "$out" || failed="$failed $script"
  else
    tail -n 20 "$out.log"
    failed="$failed $script"
  fi
done

for script in Tests/Peers/live_*.py; do
  [ -e "$script" ] || continue
  say "live: $script"
  $python "$script" || failed="$failed $script"
done

if [ $peers = yes ]; then
  install Tests/Peers/build-requirements.txt
  PATH="$PWD/$venv/bin:$PATH" CMAKE_ARGS="-DGGML_NATIVE=ON" install Tests/Peers/requirements.txt
  say "peers, $rounds rounds in turn"
  $python Tests/Peers/compare.py --rounds "$rounds" || failed="$failed compare.py"
fi

if [ -n "$failed" ]; then
  say "failed:$failed"
  exit 1
fi
say "all agree"
