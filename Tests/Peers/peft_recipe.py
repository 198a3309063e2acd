#!/usr/bin/env python3
"""The reference recipe by PEFT: what score a task reaches with the usual library, to hold our own against.

Usage: peft_recipe.py TASK_FOLDER [--steps 30] [--examples-a-step 16] [--rows 100]
TASK_FOLDER holds train.jsonl and eval.jsonl, or train.chat.jsonl and test.chat.jsonl, with {"messages": [...]} a line.

SmolLM2-135M-Instruct in F32; LoRA r=16, alpha=32, all-linear, no dropout; AdamW without weight decay, learning rate 5e-4, 10 warm-up
steps then linear to zero, clip 1.0; the first steps x examples rows in file order; loss on the answer only. The score is the share of
greedy answers that equal the file's, over at most `--rows` rows.
Prints {"task", "base", "after", "steps", "seconds", "peakBytes"}. Versions: ../Fixtures/goldens-requirements.txt.
"""

import argparse
import json
import pathlib
import time

import peer_support
import torch
from peft import LoraConfig, get_peft_model
from transformers import get_linear_schedule_with_warmup


def read(folder, names):
    for name in names:
        path = pathlib.Path(folder) / name
        if path.is_file():
            return [json.loads(line)["messages"] for line in path.read_text().splitlines() if line.strip()]
    raise SystemExit(f"{folder} has none of {', '.join(names)}")


def padded(rows, pad):
    """Ids and attention mask, padded on the right."""
    longest = max(map(len, rows))
    ids = torch.tensor([r + [pad] * (longest - len(r)) for r in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
    return ids, mask


def score(model, tokenizer, rows):
    hits = 0
    for messages in rows:
        ids = torch.tensor([peer_support.smollm2.chat_ids(tokenizer, messages[:-1])])
        expected = messages[-1]["content"].strip()
        room = len(tokenizer.encode(expected, add_special_tokens=False)) + 2  # an answer that runs on is wrong already
        with torch.no_grad():
            out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=room, do_sample=False,
                                 eos_token_id=2, pad_token_id=0)
        hits += tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True).strip() == expected
    return hits / len(rows)


def train(model, tokenizer, rows, steps, width):
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=5e-4, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 10, steps)
    examples = [peer_support.smollm2.answer_example(tokenizer, m) for m in rows]
    model.train()
    for step in range(steps):
        batch = [examples[i % len(examples)] for i in range(step * width, (step + 1) * width)]
        ids, mask = padded([e[0] for e in batch], 0)
        counted, _ = padded([e[1] for e in batch], 0)
        loss = model(input_ids=ids, attention_mask=mask, labels=torch.where(counted == 1, ids, -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder")
    options.add_argument("--steps", type=int, default=30)
    options.add_argument("--examples-a-step", type=int, default=16)
    options.add_argument("--rows", type=int, default=100)
    options = options.parse_args()
    train_rows = read(options.folder, ["train.jsonl", "train.chat.jsonl"])
    eval_rows = read(options.folder, ["eval.jsonl", "test.chat.jsonl"])[:options.rows]
    torch.set_num_threads(peer_support.THREADS)
    torch.manual_seed(0)
    tokenizer = peer_support.smollm2.load_tokenizer()
    model = peer_support.smollm2.load_model(attention="sdpa")
    base = score(model, tokenizer, eval_rows)
    model = get_peft_model(
        model, LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear"))
    peer_support.forget_peak_memory()
    began = time.perf_counter()
    train(model, tokenizer, train_rows, options.steps, options.examples_a_step)
    seconds, peak = time.perf_counter() - began, peer_support.peak_memory()
    after = score(model, tokenizer, eval_rows)
    print(json.dumps(dict(task=pathlib.Path(options.folder).resolve().name, base=base, after=after, steps=options.steps,
                          seconds=round(seconds, 1), peakBytes=peak)))


if __name__ == "__main__":
    main()
