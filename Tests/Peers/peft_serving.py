#!/usr/bin/env python3
"""PEFT with sixteen adapters (LoRA r=16, all-linear) on SmolLM2-135M: loading them, switching, and decoding with all at once; 2 threads.

Usage: peft_serving.py [--dtype f32|bf16] [--runs 3]
Prints a line each, values are medians of the runs after one that warms up:
  load/first          a saved adapter onto the bare model (PeftModel.from_pretrained)
  load/sixteenth      one more beside fifteen (load_adapter); both without filling weights that are read anyway (low_cpu_mem_usage)
  swap/resident       set_adapter between two that are loaded
  decode/16-adapters  32 tokens of each of 16 streams after prompts of 8, greedy, each with an adapter of its own (adapter_names)
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import peer_support
import torch
from peft import LoraConfig, PeftModel, get_peft_model

ADAPTERS, PROMPT, DECODED = 16, 8, 32


def save_adapters(model, folder):
    """Different adapters, in folders by their number; gives back the bare model."""
    tuned = get_peft_model(model, LoraConfig(**peer_support.LORA))
    for number in range(ADAPTERS):
        with torch.no_grad():
            for key, value in tuned.named_parameters():
                if "lora_" in key:
                    value.normal_(std=1e-3 if "lora_B" in key else 0.04)
        tuned.save_pretrained(folder / str(number), save_embedding_layers=False)
    return tuned.unload()


def seconds(body):
    began = time.perf_counter()
    result = body()
    return time.perf_counter() - began, result


def load(model, folder):
    """Seconds of the first and of the last adapter's loading, and the model with all of them."""
    def add(number):
        return tuned.load_adapter(str(folder / str(number)), adapter_name=str(number), low_cpu_mem_usage=True)
    first, tuned = seconds(lambda: PeftModel.from_pretrained(model, str(folder / "0"), adapter_name="0", low_cpu_mem_usage=True))
    for number in range(1, ADAPTERS - 1):
        add(number)
    last, _ = seconds(lambda: add(ADAPTERS - 1))
    return first, last, tuned.eval()


def generate(tuned):
    ids = torch.tensor([[(i * 7919 + stream * 31) % 49_000 + 1 for i in range(PROMPT)] for stream in range(ADAPTERS)])
    with torch.inference_mode():
        out = tuned.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=DECODED, min_new_tokens=DECODED,
                             do_sample=False, pad_token_id=0, adapter_names=[str(n) for n in range(ADAPTERS)])
    assert out.shape == (ADAPTERS, PROMPT + DECODED), out.shape


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--dtype", choices=peer_support.DTYPES, default="f32")
    options.add_argument("--runs", type=int, default=3)
    options = options.parse_args()
    model = peer_support.load_model(options.dtype)
    times = {"load/first": [], "load/sixteenth": [], "swap/resident": [], "decode/16-adapters": []}
    with tempfile.TemporaryDirectory() as folder:
        model = save_adapters(model, pathlib.Path(folder))
        peer_support.forget_peak_memory()
        for run in range(options.runs + 1):
            first, last, tuned = load(model, pathlib.Path(folder))
            times["load/first"].append(first)
            times["load/sixteenth"].append(last)
            times["swap/resident"].append(seconds(lambda: tuned.set_adapter(str(run % ADAPTERS + 1)))[0])
            if run < options.runs:
                model = tuned.unload()
    for _ in range(options.runs + 1):
        times["decode/16-adapters"].append(seconds(lambda: generate(tuned))[0])
    peak = peer_support.peak_memory()
    for name, values in times.items():
        median = statistics.median(values[1:])
        figure = ("tokens/s", ADAPTERS * DECODED / median) if name.startswith("decode") else ("ms", median * 1000)
        peer_support.report(name, *figure, peak, peer=peer_support.peft_title(options.dtype))


if __name__ == "__main__":
    main()
