#!/usr/bin/env bash
# The tour: each step is a plain lorikeet command, shown before it runs. Run again, it goes on where it stopped and
# skips what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary="$(swift build -c release --show-bin-path)/lorikeet"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

# Shows a command as a person would type it, then runs it.
lorikeet() {
  local shown='' word
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:@=,-]*) word="'$word'" ;;
    esac
    shown+=" $word"
  done
  printf '\n%s$ lorikeet%s%s\n' "$bold" "$shown" "$plain"
  "$binary" "$@"
}

say() { printf '\n# %s\n' "$*"; }

say 'One base model, fetched once and checked.'
lorikeet base pull smollm2-135m-instruct

say "Two customers' tasks, trained one after the other off the same loaded base."
lorikeet train Adapters/intent-kwikemart Adapters/sentiment-tweets

say 'Both are in the registry.'
lorikeet list

say 'The same prompt to each of them and to the base alone: one base in memory, three answers.'
lorikeet generate --with intent-kwikemart --with sentiment-tweets --with base \
  --max-tokens 16 'Customer: when does the store on Elm street close?'
