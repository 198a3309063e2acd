#!/usr/bin/env python3
"""llama.cpp's speed through llama-cpp-python on the same GGUF: a prompt of 512 tokens, and one stream of decoding; 2 threads.

Usage: llama_cpp_inference.py [--runs 5]
Prints a line each for "prefill/512" and "decode/1" (64 tokens after a prompt of 16, greedy); values are medians of the runs.
"""

import argparse
import random
import statistics
import time

import llama_cpp
import peer_support

PROMPT, DECODED = 512, 64


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=5)
    options = options.parse_args()
    path = peer_support.smollm2.gguf_path()
    model = llama_cpp.Llama(model_path=str(path), n_ctx=1024, n_batch=PROMPT, n_ubatch=PROMPT, n_threads=peer_support.THREADS,
                            n_threads_batch=peer_support.THREADS, verbose=False)
    draw = random.Random(0)
    prefill, decode = [], []
    for run in range(options.runs + 1):  # the first warms up
        tokens = [draw.randrange(100, 49152) for _ in range(PROMPT)]
        model.reset()
        began = time.perf_counter()
        model.eval(tokens)
        prefill.append(time.perf_counter() - began)

        model.reset()
        model.eval(tokens[:16])
        began = time.perf_counter()
        for _ in range(DECODED):
            model.eval([model.sample(temp=0.0)])
        decode.append(time.perf_counter() - began)
    peer = f"llama-cpp-python {llama_cpp.__version__}, {path.name.rsplit('.', 2)[1]}"
    peak = peer_support.peak_memory()
    peer_support.report("prefill/512", "tokens/s", PROMPT / statistics.median(prefill[1:]), peak, peer=peer)
    peer_support.report("decode/1", "tokens/s", DECODED / statistics.median(decode[1:]), peak, peer=peer)


if __name__ == "__main__":
    main()
