#!/usr/bin/env python3
"""llama.cpp's speed through llama-cpp-python: a prompt of 512 tokens, one stream of decoding, sixteen at once; 2 threads.

Usage: llama_cpp_inference.py [--format Q4_1|Q4_0|Q4_K_M|Q5_K_M|Q8_0|BF16] [--runs 5]
Prints a line each for "prefill/512", "decode/1" and "decode/16" (32 tokens of each stream after a prompt of 8, greedy, the prompts'
time counted, as lorikeet-bench has it); values are medians of the runs. llama.cpp's own library is called, without the wrapper's
sampling, which costs more than it does.
"""

import argparse
import statistics
import time

import llama_cpp
import numpy as np
import peer_support
from gguf_files import FORMATS, gguf_file

PROMPT, DECODED = 8, 32


class Streams:
    """A context for some streams of a model, and a batch to fill."""

    def __init__(self, model, count):
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx, settings.n_seq_max = count * (512 if count == 1 else 256), count  # 256 is the least that a stream has
        settings.n_batch = settings.n_ubatch = 512
        settings.n_threads = settings.n_threads_batch = peer_support.THREADS
        self.context = llama_cpp.llama_init_from_model(model, settings)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        self.batch = llama_cpp.llama_batch_init(512, 0, 1)
        self.count = count

    def forget(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def next_tokens(self, tokens, start):
        """The likeliest token of each stream after its `tokens`, the first of which stands at `start`."""
        batch, at = self.batch, 0
        for stream, row in enumerate(tokens):
            for index, token in enumerate(row):
                batch.token[at], batch.pos[at] = token, start + index
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, stream
                batch.logits[at] = index == len(row) - 1
                at += 1
        batch.n_tokens = at
        if llama_cpp.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed")
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits(self.context), shape=(self.count, self.vocabulary))
        return [[int(best)] for best in logits.argmax(axis=1)]

    def generate(self):
        tokens = [prompt(PROMPT, stream) for stream in range(self.count)]
        tokens, position = self.next_tokens(tokens, 0), PROMPT
        for _ in range(DECODED - 1):
            tokens, position = self.next_tokens(tokens, position), position + 1


def prompt(length, stream=0):
    return [(i * 7919 + stream * 31) % 49_000 + 1 for i in range(length)]


def median_seconds(runs, streams, body):
    seconds = []
    for _ in range(runs + 1):  # the first warms up
        streams.forget()
        began = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--format", choices=FORMATS, default="Q4_1")
    options.add_argument("--runs", type=int, default=5)
    options = options.parse_args()
    path = gguf_file(options.format)
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
    for name, count in [("prefill/512", 1), ("decode/1", 1), ("decode/16", 16)]:
        streams = Streams(model, count)
        work = (lambda: streams.next_tokens([prompt(512)], 0)) if name == "prefill/512" else streams.generate
        tokens = 512 if name == "prefill/512" else count * DECODED
        speed = tokens / median_seconds(options.runs, streams, work)
        peer_support.report(name, "tokens/s", speed, peer_support.peak_memory(),
                            peer=f"llama-cpp-python {llama_cpp.__version__}, {options.format}")
        llama_cpp.llama_free(streams.context)


if __name__ == "__main__":
    main()
