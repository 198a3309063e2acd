#!/usr/bin/env python3
"""What transformers and PEFT make of SmolLM2-135M-Instruct, from its GGUF dequantised to F32, eager attention.

Usage: make_realbase.py [OUTPUT_FOLDER] [--f64]        (default: the folder of this script)
Versions: ../goldens-requirements.txt (torch 2.15.0, transformers 5.23.0, peft 0.21.2). The model: smollm2.py beside this.

generation.json
  "prompts": 20 of
    "name", "text"        the text that was tokenised (special tokens inside it are recognised)
    "ids"                 its ids (no token is added in front)
    "magnitude"           largest absolute logit of the last prompt position
    "entries", "logits"   64 vocabulary entries (the top 32, best first, then 32 drawn) and their logits at that position
    "greedy"              48 ids by largest logit; nothing stops it, not even <|im_end|>
    "margin"              least lead of the best logit over the second along the greedy path; prompts under 0.01 are not used,
                          since two honest F32 computations could part there
training.json
  "settings"              "rank", "alpha", "targets" (all-linear), "learningRate", "betas", "epsilon", "weightDecay", "clip", "seed"
  "rates"                 learning rate of each of the 5 steps: warm-up of one step, then linear to zero (the first is zero)
  "batches"               5 lists of 4 {"ids", "counted"}; counted[i] says that predicting ids[i] is part of the loss
  "losses"                mean over the counted tokens, before the step's update
  "gradientNorms"         over all A and B, before clipping
  "firstB"                2-norms of the gradients of every B for batch 0 (A's are zero, since B is)
  "finalA", "finalB"      module path -> 2-norm after the last step
  "samples"               module path -> {"a": first 8 entries of A, "b": first 8 of B} after the last step
  "initial"               first 4 entries of A at the first and at the last module, to check the seeded start against

training-rows.jsonl, the batches' text: the first 20 rows of Adapters/intent-kwikemart's training file (Cisco MindMeld, kwik_e_mart,
Apache-2.0). Repeated in F64, losses and norms of the training part differ by 1e-5 relative or less (firstB by 2e-5).

The start of training: B = 0; A is filled module by module in the order of named_modules() (q, k, v, o, gate, up, down of layer 0,
then of layer 1, ...), row by row over (rank, in), with (u * 2 - 1) / sqrt(in) in F32, u = (next() >> 40) * 2^-24 from one SplitMix64
seeded with "seed" (Sources/Tensors/SplitMix64.swift).
"""

import json
import pathlib
import sys
import warnings

import numpy
import smollm2  # sets an environment variable, so it comes before transformers
import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import get_linear_schedule_with_warmup

HERE = pathlib.Path(__file__).parent
GREEDY = 48
LEAST_MARGIN = 0.01
SEED = 20261123
SETTINGS = dict(rank=8, alpha=16, targets="all-linear", learningRate=2e-3, betas=[0.9, 0.999], epsilon=1e-8, weightDecay=0.01,
                clip=1.0, seed=SEED)


def chat(*turns, system=None):
    roles = ["user", "assistant"]
    messages = [dict(role="system", content=system)] if system else []
    return messages + [dict(role=roles[i % 2], content=t) for i, t in enumerate(turns)]


LONG = " ".join(
    f"Entry {n}: the ship sailed {37 * n % 101} miles under a {'grey' if n % 3 else 'clear'} sky, and the captain wrote that the "
    f"{['crew', 'cook', 'carpenter', 'doctor'][n % 4]} was {['tired', 'cheerful', 'silent'][n % 3]}." for n in range(1, 16))

# More than are needed: those whose greedy path comes near a tie are passed over.
CANDIDATES = [
    ("capital", chat("What is the capital of France?")),
    ("english", "The old lighthouse keeper climbed the stairs one last time, and when he reached the top"),
    ("one-token", "Hello"),
    ("long", LONG),
    ("system", chat("Name three uses of a paper clip.", system="You answer in short lists.")),
    ("turns", chat("Hi, I'm Ada.", "Hello Ada! How can I help you today?", "What was my name again?")),
    ("python", "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n    if n < 2:\n        return n\n"),
    ("swift", "struct Point {\n  var x: Double\n  var y: Double\n\n  func distance(to other: Point) -> Double {\n"),
    ("c", "#include <stdio.h>\n\nint main(int argc, char **argv) {\n\tfor (int i = 0; i < argc; i++) {\n"),
    ("french", "Le petit village se trouve au bord de la rivière, et chaque matin les habitants"),
    ("german", "Die Universität wurde im 15. Jahrhundert gegründet und gehört heute zu den größten"),
    ("chinese", "今天天气很好，我们一起去公园"),
    ("chinese-chat", chat("请用一句话介绍北京。")),
    ("japanese-emoji", "おはようございます 🌞👩‍👩‍👧‍👦! 今日は"),
    ("arabic", "العلم نور والجهل ظلام، ولذلك"),
    ("json", '{"name": "Kwik-E-Mart", "open": true, "hours": {"monday": "8:00-22:00", "tuesday": "8:00-22:00", "wednesday":'),
    ("json-chat", chat('Give me a JSON object with the keys "city" and "population" for Tokyo.')),
    ("numbers", "3.14159 2.71828 1.41421 1.61803 0.57721 3.14159 2.71828"),
    ("sum", chat("What is 1234 + 4321?")),
    ("year", "In 2024, the population reached 8,118,835,999 people, compared with 1,650,000,000 in 1900. By 2050,"),
    ("spaces", "Name:      Ada\nBorn:      1815\nField:     mathematics\n\nName:      Alan\nBorn:"),
    ("html", "<!DOCTYPE html>\n<html>\n<head>\n  <title>My page</title>\n"),
    ("markdown", "# Shopping list\n\n- [x] milk\n- [ ] bread\n"),
    ("repetition", "the cat sat on the mat. the cat sat on the mat. the cat sat on the"),
    ("maths", "Theorem. Let n be an even integer. Then n² is even.\n\nProof."),
    ("upper", "WARNING: DO NOT OPEN THIS DOOR WHILE THE MACHINE IS RUNNING. FAILURE TO"),
    ("long-chat", chat(LONG + "\n\nHow did the captain describe the cook?")),
    ("translate", chat("Translate to Spanish: Good morning, my friend.")),
]


def generation(model, tokenizer):
    generator = torch.Generator().manual_seed(SEED)
    prompts = []
    for name, prompt in CANDIDATES:
        if len(prompts) == 20:
            break
        text = prompt
        if not isinstance(prompt, str):
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text, name
        with torch.no_grad():
            out = model(input_ids=torch.tensor([ids]), use_cache=True)
            last = out.logits[0, -1]
            greedy, margin, row = [], float("inf"), last
            while True:
                best = row.topk(2)
                margin = min(margin, float(best.values[0] - best.values[1]))
                greedy.append(int(best.indices[0]))
                if len(greedy) == GREEDY:
                    break
                out = model(input_ids=torch.tensor([greedy[-1:]]), past_key_values=out.past_key_values, use_cache=True)
                row = out.logits[0, -1]
        top = last.topk(32).indices.tolist()
        rest = [i for i in torch.randperm(last.numel(), generator=generator)[:64].tolist() if i not in top][:32]
        print(f"{name}: {len(ids)} ids, margin {margin:.4f}: {tokenizer.decode(greedy)[:60]!r}", flush=True)
        if margin < LEAST_MARGIN:
            print("  passed over")
            continue
        prompts.append(dict(name=name, text=text, ids=ids, magnitude=float(last.abs().max()), entries=top + rest,
                            logits=[float(last[i]) for i in top + rest], greedy=greedy, margin=margin))
    assert len(prompts) == 20, len(prompts)
    capital = prompts[0]
    assert len(capital["ids"]) == 37 and abs(capital["logits"][0] - 25.32539) < 1e-4 and abs(capital["logits"][1] - 25.24328) < 1e-4
    return dict(prompts=prompts, versions=versions())


def splitmix_uniform(state, count):
    """`count` draws of SplitMix64.uniform() from `state`, and the state after them."""
    with numpy.errstate(over="ignore"):
        gamma = numpy.uint64(0x9E3779B97F4A7C15)
        z = numpy.uint64(state) + numpy.arange(1, count + 1, dtype=numpy.uint64) * gamma
        after = int(z[-1])
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z ^= z >> numpy.uint64(31)
    return (z >> numpy.uint64(40)).astype(numpy.float32) * numpy.float32(2.0**-24), after


def modules(model):
    """(path in the base, LoRA layer), in the order of named_modules()."""
    prefix = "base_model.model."
    return [(n[len(prefix):], m) for n, m in model.named_modules() if hasattr(m, "lora_A") and n.startswith(prefix)]


def start(model):
    state = SEED
    with torch.no_grad():
        for _, m in modules(model):
            a = m.lora_A["default"].weight
            u, state = splitmix_uniform(state, a.numel())
            values = (u * numpy.float32(2) - numpy.float32(1)) / numpy.sqrt(numpy.float32(a.shape[1]))
            a.copy_(torch.from_numpy(values.reshape(a.shape)))
            m.lora_B["default"].weight.zero_()


def batch_loss(model, batch):
    """Mean over the counted tokens of all sequences; each runs alone, so that nothing hangs on padding."""
    total = 0.0
    for s in batch:
        ids = torch.tensor([s["ids"]])
        labels = torch.where(torch.tensor([s["counted"]]) == 1, ids, -100)
        logits = model(input_ids=ids).logits
        total = total + torch.nn.functional.cross_entropy(logits[0, :-1], labels[0, 1:], ignore_index=-100, reduction="sum")
    return total / sum(sum(s["counted"]) for s in batch)


def training(model, batches):
    config = LoraConfig(task_type="CAUSAL_LM", r=SETTINGS["rank"], lora_alpha=SETTINGS["alpha"], lora_dropout=0.0,
                        target_modules="all-linear")
    model = get_peft_model(model, config).train()
    start(model)
    layers = modules(model)
    initial = {path: m.lora_A["default"].weight[0, :4].tolist() for path, m in (layers[0], layers[-1])}
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=SETTINGS["learningRate"], betas=SETTINGS["betas"], eps=SETTINGS["epsilon"],
                                  weight_decay=SETTINGS["weightDecay"])
    schedule = get_linear_schedule_with_warmup(optimizer, 1, len(batches))
    losses, norms, rates, first_b = [], [], [], None
    for batch in batches:
        loss = batch_loss(model, batch)
        loss.backward()
        if first_b is None:
            first_b = {path: float(m.lora_B["default"].weight.grad.double().norm()) for path, m in layers}
            assert all(not m.lora_A["default"].weight.grad.any() for _, m in layers)
        norms.append(float(torch.nn.utils.clip_grad_norm_(weights, SETTINGS["clip"])))
        rates.append(schedule.get_last_lr()[0])
        losses.append(float(loss.detach()))
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        print(f"loss {losses[-1]:.5f}, gradient norm {norms[-1]:.5f}, rate {rates[-1]:.5f}", flush=True)

    def final(side):
        return {path: float(getattr(m, side)["default"].weight.detach().double().norm()) for path, m in layers}

    samples = {path: dict(a=m.lora_A["default"].weight.flatten()[:8].tolist(), b=m.lora_B["default"].weight.flatten()[:8].tolist())
               for path, m in layers[::35]}
    return dict(settings=SETTINGS, rates=rates, losses=losses, gradientNorms=norms, initial=initial, firstB=first_b,
                finalA=final("lora_A"), finalB=final("lora_B"), samples=samples, batches=batches, versions=versions())


def versions():
    return dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__, peft=peft.__version__)


def main():
    out = pathlib.Path(next((a for a in sys.argv[1:] if a != "--f64"), HERE))
    out.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", category=FutureWarning)
    model, tokenizer = smollm2.load_model(), smollm2.load_tokenizer()
    (out / "generation.json").write_text(json.dumps(generation(model, tokenizer), ensure_ascii=False) + "\n")
    rows = [json.loads(line)["messages"] for line in (HERE / "training-rows.jsonl").read_text().splitlines()]
    examples = [dict(zip(("ids", "counted"), smollm2.answer_example(tokenizer, row))) for row in rows]
    batches = [examples[i:i + 4] for i in range(0, 20, 4)]
    golden = training(model, batches)
    (out / "training.json").write_text(json.dumps(golden) + "\n")
    if "--f64" in sys.argv:  # how far F32 strays from F64; takes some minutes
        exact = training(smollm2.load_model(torch.float64), batches)
        for key in ("losses", "gradientNorms"):
            print(key, max(abs(a - b) / b for a, b in zip(golden[key], exact[key])))
        for key in ("firstB", "finalA", "finalB"):
            print(key, max(abs(golden[key][n] - v) / v for n, v in exact[key].items()))
        print("samples", max(abs(a - b) for n, v in exact["samples"].items() for side in "ab"
                             for a, b in zip(golden["samples"][n][side], v[side])))


if __name__ == "__main__":
    main()
