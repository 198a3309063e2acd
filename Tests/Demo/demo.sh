#!/usr/bin/env bash
# The tour: each step is a plain lorikeet command, shown before it runs. Run again, it goes on where it was stopped and
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
      *$'\n'*) word=$(printf '%q' "$word") ;;
      *[!A-Za-z0-9_./:@=,-]*) word="'$word'" ;;
    esac
    shown+=" $word"
  done
  printf '\n%s$ lorikeet%s%s\n' "$bold" "$shown" "$plain"
  "$binary" "$@"
}

# The version that the command before told of: a registry that is in use counts on from where it is.
told() { grep -om1 "intent-kwikemart@[0-9]*" "$said"; }
said=$(mktemp)
trap 'rm -f "$said"' EXIT

say() { printf '\n# %s\n' "$*"; }

say 'One base model, fetched once and checked.'
lorikeet base pull smollm2-135m-instruct

say "Two customers' tasks, trained one after the other over the same frozen base."
lorikeet train Adapters/intent-kwikemart Adapters/sentiment-tweets | tee "$said"
first=$(told)

say 'Both are in the registry now.'
lorikeet list

say 'The same prompt for both adapters and the bare base, all three off one model in memory.'
lorikeet generate --with intent-kwikemart --with sentiment-tweets --with base --max-tokens 16 \
  $'Customer: when does the store on Elm street close?\nIntent:'
lorikeet generate --with intent-kwikemart --with sentiment-tweets --with base --max-tokens 16 \
  $'Text: this phone made my day\nSentiment:'

say 'The first version goes into production.'
lorikeet alias "$first" production

say 'A second version: half the rank, a fifth of the steps.'
lorikeet train Adapters/intent-kwikemart --rank 8 --steps 6 --warmup 2 | tee "$said"
second=$(told)

say 'How the two compare on held-out data, where they disagree, and how their weights lie to each other.'
lorikeet compare "$first" "$second" --data Adapters/intent-kwikemart/eval.jsonl --html .build/comparison.html

say 'A promotion behind a gate is refused where the newer version is the worse one.'
lorikeet promote "$second" --gate 'accuracy >= previous' --data Adapters/intent-kwikemart/eval.jsonl || true

say 'Promote it all the same, see what the registry remembers, and roll back.'
lorikeet alias "$second" production
lorikeet show intent-kwikemart
lorikeet generate --with intent-kwikemart --max-tokens 16 $'Customer: good morning\nIntent:'
lorikeet rollback intent-kwikemart production

say 'A bare name means what production points at: the first version again.'
lorikeet generate --with intent-kwikemart --max-tokens 16 $'Customer: good morning\nIntent:'

say "Your turn: 'lorikeet chat intent-kwikemart', 'lorikeet --help'. The command is $binary"
