#!/usr/bin/env bash
# The tour: each step is a plain lorikeet command, shown before it runs. Run again, it goes on where it was stopped and
# skips what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary="$(swift build -c release --show-bin-path)/lorikeet"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

# Shows a command as a person would type it.
show() {
  local shown='' word
  for word in "$@"; do
    case $word in
      '&' | '|' | '>') ;;
      *$'\n'*) word=$(printf '%q' "$word") ;;
      *[!A-Za-z0-9_./:@=,%-]*) word="'$word'" ;;
    esac
    shown+="$word "
  done
  printf '\n%s$ %s%s\n' "$bold" "${shown% }" "$plain"
}

# Shows a command, then runs it.
lorikeet() {
  show lorikeet "$@"
  "$binary" "$@"
}
ask() {
  show curl "$@"
  curl "$@"
  echo
}

# The version that the command before told of: a registry that is in use counts on from where it is.
told() { grep -om1 "intent-kwikemart@[0-9]*" "$said"; }
said=$(mktemp)
server=''
stop() {
  [ -z "$server" ] || kill "$server" 2> /dev/null || true
  rm -f "$said" "$said".*
}
trap stop EXIT

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

say 'The same over HTTP: a server on a free port, for anything that speaks to OpenAI.'
show lorikeet serve --port 0 '&'
: > "$said.server" # it is read before the command in the background may have made it
"$binary" serve --port 0 > "$said.server" &
server=$!
# Two lines; the second is a curl line to try.
while [ "$(wc -l < "$said.server")" -lt 2 ]; do
  kill -0 "$server" || exit 1
  sleep 0.1
done
cat "$said.server"
address=$(grep -om1 'http://[0-9.:]*' "$said.server")

# A body for the chat route. The words are put as in training.
body() { # model, words, more
  printf '{"model": "%s", "messages": [{"role": "user", "content": "%s"}], "temperature": 0%s}' "$1" "$2" "${3:-}"
}
greeting='Customer: good morning\nIntent:'

say 'Two adapters, asked by name.'
ask -sS "$address/v1/chat/completions" -d "$(body intent-kwikemart "$greeting")"
ask -sS "$address/v1/chat/completions" -d "$(body sentiment-tweets 'Text: this phone made my day\nSentiment:')"

say 'A long answer is under way (it may not end early) while its adapter is promoted to the second version.'
long=$(body intent-kwikemart "$greeting" ', "stream": true, "max_tokens": 400, "logit_bias": {"2": -100}')
show curl -sN "$address/v1/chat/completions" -d "$long" '>' stream '&'
curl -sN "$address/v1/chat/completions" -d "$long" > "$said.stream" &
stream=$!
while ! [ -s "$said.stream" ]; do
  kill -0 "$stream" || exit 1
  sleep 0.1
done
ask -sS "$address/admin/promote" -d "{\"reference\": \"$second\"}"

say 'The next answer is by the second version.'
ask -sS -i "$address/v1/chat/completions" -d "$(body intent-kwikemart "$greeting")" | tee "$said"
grep -q "x-adapter-version: $second" "$said"

say 'The long one went on with the first, from its first piece to its last.'
wait "$stream"
show grep -o '"model":"[^"]*"' stream '|' sort '|' uniq -c
grep -o '"model":"[^"]*"' "$said.stream" | sort | uniq -c | tee "$said"
[ "$(wc -l < "$said")" -eq 1 ] && grep -q "\"$first\"" "$said"

say 'SIGTERM ends the server when what it has begun is answered.'
show kill %1
kill "$server"
wait "$server"
server=''

say "Your turn: 'lorikeet serve', 'lorikeet chat intent-kwikemart', 'lorikeet --help'. The command is $binary"
