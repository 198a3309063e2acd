#!/usr/bin/env bash
# Runs the tests of the engine and of the server under Clang's sanitizers; a report fails the run.
#
# Usage: run.sh [address|thread]  (default: one after the other; from anywhere; `make sanitize` calls it)
# Debug builds, so that Swift's own checks (exclusive access, overflow) stay on: .build/sanitize-address and -thread.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
# The soak wants a hundred answers, for which these builds need longer than its five seconds.
export LORIKEET_SOAK_SECONDS=${LORIKEET_SOAK_SECONDS:-45}

# Builds the package at $2 with the sanitizer $1 and runs the tests.
check() {
  local flags=(--package-path "$2" --scratch-path "$root/.build/sanitize-$1" --sanitize="$1")
  swift build --build-tests "${flags[@]}"
  swift test --skip-build "${flags[@]}" --filter '^(ServingTests|HTTPServiceTests)\.' --skip RealBase
}

# LeakSanitizer comes with it.
address() {
  export LSAN_OPTIONS=suppressions=$root/Tests/Sanitizers/leaks.txt:print_suppressions=0
  check address .
}

# ThreadSanitizer cannot see the standard library's Mutex (Mutex.swift says why), so the tests are those of a copy of the
# tree, where each module that might name one holds a Mutex of its own. Files keep their times, so that the copy is built
# again only where it has changed.
thread() {
  local tree=.build/sanitize-thread/tree folder
  rm -rf "$tree"
  mkdir -p "$tree"
  cp -a Package.swift Sources Tests "$tree"
  for folder in "$tree"/Sources/*/ "$tree"/Tests/*/; do
    if grep -rq '^import Synchronization' "$folder"; then cp -a Tests/Sanitizers/Mutex.swift "$folder"; fi
  done
  check thread "$tree"
}

case ${1:-} in
address | thread) "$1" ;;
'')
  address
  thread
  ;;
*)
  echo "usage: ${0##*/} [address|thread]" >&2
  exit 2
  ;;
esac
