#!/usr/bin/env python3
"""PEFT's training speed: LoRA r=16, alpha=32, all-linear on SmolLM2-135M, 1024 tokens a step, loss on all, 2 threads.

Usage: peft_training.py [--dtype f32|bf16] [--steps 5] [--warmup 1]
Prints a line each for "train/8x128" and "train/2x512"; values are medians of the steps. A step is forward, backward, clipping and
AdamW; attention is transformers' default (the faster one), memory is counted after loading. With bf16 the model's weights are, and the
adapter's stay f32, as PEFT leaves them by itself. Versions: ../Fixtures/goldens-requirements.txt.
"""

import argparse
import gc
import statistics
import time

import peer_support
import torch
from peft import LoraConfig, get_peft_model

SHAPES = [(8, 128), (2, 512)]


def step(model, weights, optimizer, sequences, length):
    """Seconds of one step."""
    ids = torch.randint(0, model.config.vocab_size, (sequences, length))
    began = time.perf_counter()
    loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - began


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--dtype", choices=peer_support.DTYPES, default="f32")
    options.add_argument("--steps", type=int, default=5)
    options.add_argument("--warmup", type=int, default=1)
    options = options.parse_args()
    model = get_peft_model(peer_support.load_model(options.dtype), LoraConfig(**peer_support.LORA)).train()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=5e-4, weight_decay=0.0)
    for shape in SHAPES:
        gc.collect()
        peer_support.forget_peak_memory()
        seconds = [step(model, weights, optimizer, *shape) for _ in range(options.warmup + options.steps)]
        speed = shape[0] * shape[1] / statistics.median(seconds[options.warmup:])
        peer_support.report("train/{}x{}".format(*shape), "tokens/s", speed, peer_support.peak_memory(),
                            peer=peer_support.peft_title(options.dtype))


if __name__ == "__main__":
    main()
