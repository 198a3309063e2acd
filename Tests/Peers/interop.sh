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

# The scripts run in a copy of the fixtures, where they write beside themselves; files of 2000 tell what was made since.
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
trap 'exit 130' INT TERM
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$made/Tests" "$made/base"
cp -R Tests/Fixtures "$made/Tests/"
[ -d Adapters ] && ln -s "$PWD/Adapters" "$made/Adapters"
find "$made/Tests" -exec touch -d 2000-01-01 {} +
say "the base model"
gguf="$made/base/SmolLM2-135M-Instruct.Q4_1.gguf"
ln -s "$(PYTHONPATH=Tests/Fixtures/realbase $python -c 'import smollm2; print(smollm2.gguf_path().resolve())')" "$gguf"
export SMOLLM2_GGUF="$gguf"

# What a script is to be given, where it asks for the base model in its own way.
make_again() { # script in the copy
  case "$1" in
    */make_checkpoints.py) $python "$1" "$gguf" ;;
    */make_masks.py) $python "$1" "$made/base" ;;
    */make_templates.py) $python "$1" --gguf "$gguf" ;;
    */make_tokenizers.py) $python "$1" --model "$gguf" ;;
    *) $python "$1" ;;
  esac
}

for folder in "$made"/Tests/Fixtures/*/; do
  room=$(basename "$folder")
  for script in "$folder"make_*.py; do
    [ -e "$script" ] || continue
    say "making again: $room/$(basename "$script")"
    if make_again "$script" > "$made/log" 2>&1; then
      [ -n "$(find "$folder" -type f -newermt 2001-01-01)" ] || { echo "it made nothing"; failed="$failed $room"; }
    else
      tail -n 20 "$made/log"
      failed="$failed $room"
    fi
  done
  $python Tests/Peers/check_goldens.py "Tests/Fixtures/$room" "$folder" || failed="$failed $room"
done

for script in Tests/Peers/live_*.py; do
  say "live: $script"
  $python "$script" || failed="$failed $script"
done

if [ $peers = yes ]; then
  install Tests/Peers/build-requirements.txt
  export PATH="$PWD/$venv/bin:$PATH" CMAKE_ARGS="-DGGML_NATIVE=ON"  # for llama-cpp-python's build
  . Tests/Peers/compiler.sh
  install Tests/Peers/requirements.txt
  say "peers, $rounds rounds in turn"
  $python Tests/Peers/compare.py --rounds "$rounds" || failed="$failed compare.py"
  say "llama-server"
  Tests/Peers/llama_server.sh "$PWD/$python"
  say "serving, $rounds rounds in turn"
  $python Tests/Peers/serving.py --rounds "$rounds" || failed="$failed serving.py"
fi

if [ -n "$failed" ]; then
  say "failed:$failed"
  exit 1
fi
say "all agree"
