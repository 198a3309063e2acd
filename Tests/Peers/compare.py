#!/usr/bin/env python3
"""Runs lorikeet-bench and the peers in turn on the same machine and prints a table of medians and ratios.

Usage: compare.py [--bench .build/release/lorikeet-bench] [--rounds 3] [--only train|inference] [-- ARGUMENT OF THE BENCH...]

Machines are shared and noisy, so a single figure says little: each round runs the bench, then the peers, and the ratio is that of the
medians over the rounds. Exit code 1 when a program fails or a row is missing on one side.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROWS = {  # name -> (what the table calls it, peer's script, part)
    "train/8x128": ("training, 8 x 128 tokens, LoRA r=16 all-linear", "peft_training.py", "train"),
    "prefill/512": ("reading a prompt of 512 tokens", "llama_cpp_inference.py", "inference"),
    "decode/1": ("decoding, one stream", "llama_cpp_inference.py", "inference"),
}


def run(command):
    """The JSON lines that `command` prints, by name."""
    print("running " + " ".join(pathlib.Path(c).name for c in command), file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise SystemExit(f"cannot run {command[0]}: {error.strerror}; build it with swift build -c release, or name it with --bench")
    if done.returncode != 0:
        raise SystemExit(f"{pathlib.Path(command[0]).name} {' '.join(command[1:])} ended with code {done.returncode}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: line for line in lines if "name" in line}


def median(results, key):
    values = [r[key] for r in results if r.get(key) is not None]
    return statistics.median(values) if values else None


def row(name, ours, theirs):
    """One line of the table."""
    speed, peer_speed = median(ours, "value"), median(theirs, "value")
    cells = [ROWS[name][0], f"{speed:.0f} {ours[0]['unit']}", f"{peer_speed:.0f} {theirs[0]['unit']}", f"{speed / peer_speed:.2f}"]
    memory, peer_memory = median(ours, "peakBytes"), median(theirs, "peakBytes")
    if memory and peer_memory:
        cells += [f"{memory / 1e9:.2f} GB", f"{peer_memory / 1e9:.2f} GB", f"{memory / peer_memory:.2f}"]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join(cells + [theirs[0].get("peer", "")]) + " |"


def main():
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bench", default=".build/release/lorikeet-bench")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", choices=["train", "inference"])
    extra = arguments[split + 1:]
    options = options.parse_args(arguments[:split])
    wanted = {n: r for n, r in ROWS.items() if options.only in (None, r[2])}
    peers = list(dict.fromkeys(r[1] for r in wanted.values()))
    ours, theirs = {n: [] for n in wanted}, {n: [] for n in wanted}
    for _ in range(options.rounds):
        for results, command in [(ours, [options.bench, "--json", *extra])] + [
                (theirs, [sys.executable, str(HERE / script)]) for script in peers]:
            for name, line in run(command).items():
                if name in results:
                    results[name].append(line)
    print("| work | Lorikeet | peer | ratio | memory | peer's memory | ratio | peer |")
    print("|---|---|---|---|---|---|---|---|")
    missing = [n for n in wanted if not ours[n] or not theirs[n]]
    for name in wanted:
        if name not in missing:
            print(row(name, ours[name], theirs[name]))
    if missing:
        raise SystemExit("no figures on one side for: " + ", ".join(missing))


if __name__ == "__main__":
    main()
