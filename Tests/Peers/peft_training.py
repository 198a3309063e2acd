#!/usr/bin/env python3
"""PEFT's training speed: LoRA r=16, alpha=32, all-linear on SmolLM2-135M, 8 sequences of 128 tokens, loss on all, F32, 2 threads.

Usage: peft_training.py [--steps 5] [--warmup 1]
Prints {"name": "train/8x128", "unit": "tokens/s", "value", "peakBytes", "peer"}; the value is the median step's. A step is forward,
backward, clipping and AdamW; attention is transformers' default (the faster one), memory is counted after loading.
Versions: ../Fixtures/goldens-requirements.txt.
"""

import argparse
import statistics
import time

import peer_support
import peft
import torch
from peft import LoraConfig, get_peft_model

SEQUENCES, LENGTH = 8, 128


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=5)
    options.add_argument("--warmup", type=int, default=1)
    options = options.parse_args()
    torch.set_num_threads(peer_support.THREADS)
    torch.manual_seed(0)
    model = peer_support.smollm2.load_model(attention="sdpa")
    model = get_peft_model(
        model, LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear")).train()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=5e-4, weight_decay=0.0)
    peer_support.forget_peak_memory()
    seconds = []
    for _ in range(options.warmup + options.steps):
        ids = torch.randint(0, model.config.vocab_size, (SEQUENCES, LENGTH))
        began = time.perf_counter()
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds[options.warmup:])
    peer_support.report(f"train/{SEQUENCES}x{LENGTH}", "tokens/s", SEQUENCES * LENGTH / median, peer_support.peak_memory(),
                        peer=f"PEFT {peft.__version__}, PyTorch {torch.__version__.split('+')[0]}, f32")


if __name__ == "__main__":
    main()
