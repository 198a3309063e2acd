#!/usr/bin/env python3
"""Runs lorikeet-bench and the peers in turn on the same machine and prints a table of medians and ratios.

Usage: compare.py [--bench .build/release/lorikeet-bench] [--rounds 3] [--only PREFIX] [--json FILE] [-- ARGUMENT OF THE BENCH...]

Machines are shared and noisy, so a single figure says little: each round runs every program once, ours and the peers' in turn, and the
ratio is that of the medians over the rounds, above 1 where Lorikeet is faster (or smaller: below 1 for memory). Where a peer has several
ways, the table tells its best. The command `lorikeet` is found beside the bench; bases are added to a home of its own that is left behind
nowhere. `--only` takes the rows whose benchmark begins so (train, prefill, decode, swap, load); `--json` writes every figure of every
way. Exit code 1 when a program fails or a row is missing on one side.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from gguf_files import gguf_file

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table: which of lorikeet-bench's figures, by which arguments, against which peers' (the best counts)."""
    title: str
    name: str  # the benchmark's, for both sides
    ours: tuple  # the bench's arguments
    peers: list  # commands: a script and its arguments
    theirs: str = None  # where the peers' figure has another name


def peft(script):
    return [(script, "--dtype", dtype) for dtype in ("f32", "bf16")]


def llama_cpp(*formats):
    return [("llama_cpp_inference.py", "--format", f) for f in formats]


TRAIN, TRAIN_INT8 = ("--only", "train"), ("--only", "train", "--weights", "int8")
DECODE = ("--only", "decode")
ROWS = [
    Row("training, 8 x 128 tokens, LoRA r=16 all-linear", "train/8x128", TRAIN, peft("peft_training.py")),
    Row("the same, weights in 8 bits", "train/8x128", TRAIN_INT8, peft("peft_training.py")),
    Row("training, 2 x 512 tokens", "train/2x512", TRAIN, peft("peft_training.py")),
    Row("the same, weights in 8 bits", "train/2x512", TRAIN_INT8, peft("peft_training.py")),
    Row("reading a prompt of 512 tokens, one file", "prefill/512", ("--only", "prefill"), llama_cpp("Q4_1")),
    Row("the same, the peer's best file", "prefill/512", ("--only", "prefill"), llama_cpp("Q4_1", "Q4_0", "Q8_0", "BF16")),
    Row("the same, activations in 8 bits", "prefill/512", ("--only", "prefill", "--weights", "int8"),
        llama_cpp("Q4_1", "Q4_0", "Q8_0", "BF16")),
    Row("decoding, one stream, Q4_1", "decode/1", DECODE, llama_cpp("Q4_1")),
    Row("decoding, one stream, Q4_0", "decode/1", DECODE + ("--base", "q4_0"), llama_cpp("Q4_0")),
    Row("decoding, one stream, Q4_K_M", "decode/1", DECODE + ("--base", "q4_k_m"), llama_cpp("Q4_K_M")),
    Row("decoding, one stream, Q5_K_M", "decode/1", DECODE + ("--base", "q5_k_m"), llama_cpp("Q5_K_M")),
    Row("decoding, one stream, Q8_0", "decode/1", DECODE + ("--base", "q8_0"), llama_cpp("Q8_0")),
    Row("decoding, 16 streams, Q4_1", "decode/16", DECODE, llama_cpp("Q4_1")),
    Row("decoding, 16 streams, Q8_0", "decode/16", DECODE + ("--base", "q8_0"), llama_cpp("Q8_0")),
    Row("the same, activations in 8 bits", "decode/16", DECODE + ("--base", "q8_0", "--weights", "int8"), llama_cpp("Q8_0")),
    Row("decoding, 16 streams with 16 different adapters", "decode/16-adapters", DECODE, peft("peft_serving.py")),
    Row("switching to a resident adapter", "swap/resident", ("--only", "swap"), peft("peft_serving.py")),
    Row("loading an adapter, the first", "load/adapter-cold", ("--only", "load/adapter"), peft("peft_serving.py"), "load/first"),
    Row("loading an adapter, the sixteenth", "load/adapter-cold", ("--only", "load/adapter"), peft("peft_serving.py"), "load/sixteenth"),
]


def run(command, home=None):
    """The JSON lines that `command` prints, by name."""
    print("running " + " ".join([pathlib.Path(c).name for c in command[:2]] + command[2:]), file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **({"LORIKEET_HOME": home} if home else {})})
    except OSError as error:
        raise SystemExit(f"cannot run {command[0]}: {error.strerror}; build it with swift build -c release, or name it with --bench")
    if done.returncode != 0:
        raise SystemExit(f"{pathlib.Path(command[0]).name} {' '.join(command[1:])} ended with code {done.returncode}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: line for line in lines if "name" in line}


def add_bases(bench, rows, home):
    """Registers the files that `rows` need in `home`; each is called after its format."""
    for base in dict.fromkeys(base_of(r.ours) for r in rows):
        run([str(pathlib.Path(bench).with_name("lorikeet")), "base", "add", str(gguf_file(base.upper())), "--name", base, "--quiet"], home)


def base_of(arguments):
    return arguments[arguments.index("--base") + 1] if "--base" in arguments else "q4_1"


def measure(rows, options, extra, home):
    """What each command said, a dictionary a round. Commands are in the rows' order, ours before the peers', each once a round."""
    commands = dict.fromkeys(c for r in rows for c in [r.ours, *r.peers])
    said = {c: [] for c in commands}
    for _ in range(options.rounds):
        for command in commands:
            if command[0].endswith(".py"):
                said[command].append(run([sys.executable, str(HERE / command[0]), *command[1:]]))
            else:
                base = [] if "--base" in command else ["--base", base_of(command)]
                said[command].append(run([options.bench, "--json", *command, *base, *extra], home))
    return said


def figures(rounds, name):
    """All values of a benchmark and their medians, or None."""
    found = [r[name] for r in rounds if name in r]
    if not found:
        return None
    return dict(value=statistics.median(f["value"] for f in found), values=[f["value"] for f in found], unit=found[0]["unit"],
                peakBytes=statistics.median(f["peakBytes"] for f in found), peer=found[0].get("peer"))


def compared(row, said):
    """A row's figures: ours, every peer's, and which of them is the best; None where a side has none."""
    ours = figures(said[row.ours], row.name)
    peers = [f for p in row.peers for f in [figures(said[p], row.theirs or row.name)] if f]
    if not ours or not peers:
        return None
    by_value = sorted(peers, key=lambda f: f["value"])
    best = by_value[0] if ours["unit"] == "ms" else by_value[-1]
    ratio = best["value"] / ours["value"] if ours["unit"] == "ms" else ours["value"] / best["value"]
    return dict(title=row.title, name=row.name, arguments=row.ours, lorikeet=ours, best=best, peers=peers, ratio=ratio)


def line(result):
    """One line of the table."""
    ours, best = result["lorikeet"], result["best"]
    cells = [result["title"]] + [f"{number(f['value'])} {f['unit']}" for f in (ours, best)] + [number(result["ratio"], 2)]
    if ours["unit"] == "ms":
        cells += ["", "", ""]
    else:
        cells += [f"{f['peakBytes'] / 1e9:.2f} GB" for f in (ours, best)] + [number(ours["peakBytes"] / best["peakBytes"], 2)]
    return "| " + " | ".join(cells + [best["peer"]]) + " |"


def number(value, places=0):
    """As many places, and two significant digits at least."""
    while value < 10 ** (1 - places) and places < 4:
        places += 1
    return f"{value:.{places}f}" if value < 1000 else f"{value:.0f}"


def main():
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bench", default=".build/release/lorikeet-bench")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", default="")
    options.add_argument("--json")
    extra = arguments[split + 1:]
    options = options.parse_args(arguments[:split])
    rows = [r for r in ROWS if r.name.startswith(options.only)]
    with tempfile.TemporaryDirectory() as home:
        add_bases(options.bench, rows, home)
        said = measure(rows, options, extra, home)
    results = [compared(r, said) for r in rows]
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps([r for r in results if r], indent=1) + "\n")
    print("| work | Lorikeet | peer | ratio | memory | peer's memory | ratio | peer |")
    print("|---|---|---|---|---|---|---|---|")
    for result in results:
        if result:
            print(line(result))
    missing = [r.title for r, result in zip(rows, results) if not result]
    if missing:
        raise SystemExit("no figures on one side for: " + ", ".join(missing))


if __name__ == "__main__":
    main()
