#!/usr/bin/env python3
"""Training runs of small models by PEFT: first gradients, losses, gradient norms and the adapter after 20 steps.

Usage: make_training.py [OUTPUT_FOLDER]        (default: the folder of this script; reads the models beside it)
Versions: ../goldens-requirements.txt (torch 2.15.0, transformers 5.23.0, peft 0.21.2).

For each case, a folder `training/<case>/`:
  initial/adapter_config.json, initial/adapter_model.safetensors      the adapter before training, as PEFT saves it
  final/adapter_config.json, final/adapter_model.safetensors          and after
  gradients.safetensors   F32, PEFT's names: gradients of every A and B for batch 0 with the initial adapter, before clipping
  logits.safetensors      F32 `final.<i>`: logits of the base's golden sequence i with the final adapter
  golden.json
    "base"                folder of the small model, beside `training`
    "settings"            "learningRate", "learningRateB" (null: the same), "betas", "epsilon", "weightDecay", "clip", "warmup", "steps"
    "batches"             20 lists of {"ids": [...], "counted": [0 or 1, ...]}; counted[i] says that predicting ids[i] (from the
                          tokens before it) is part of the loss; counted[0] is always 0
    "losses"              mean over the counted tokens of the batch, before that step's update
    "gradientNorms"       2-norm over all of A and B before clipping (torch.nn.utils.clip_grad_norm_)
    "learningRates"       of each step; get_linear_schedule_with_warmup gives the first step a rate of zero

Sequences of a batch never see one another.
Each case also runs in F64, and is refused when F32 strays from it: what an honest F32 trainer cannot reproduce is no golden.
"""

import json
import os
import pathlib
import shutil
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, get_linear_schedule_with_warmup

HERE = pathlib.Path(__file__).parent
VOCABULARY = 131
STEPS = 20
DISTINCT = 5  # batches, seen four times each

CASES = {
    # PEFT's own initialisation: B is zero, so A's first gradient is exactly zero.
    "llama3-all-linear": dict(
        base="llama3", lora=dict(r=4, lora_alpha=8, target_modules="all-linear"), random_b=False, rate=1e-2, decay=0.0, clip=1.0),
    "qwen2-rslora-patterns": dict(
        base="qwen2",
        lora=dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], use_rslora=True,
                  rank_pattern={r"layers\.1\.self_attn\.q_proj": 2, "v_proj": 6}, alpha_pattern={r"layers\.0\.self_attn\.q_proj": 5}),
        random_b=True, rate=1e-2, decay=0.01, clip=10.0),
    # Nothing below block 1 needs a gradient.
    "qwen3-upper-layer": dict(
        base="qwen3",
        lora=dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "o_proj", "gate_proj", "down_proj"],
                  layers_to_transform=[1], exclude_modules=["k_proj"]),
        random_b=True, rate=1e-2, decay=0.0, clip=2.5),
    # A regular expression that reaches the head, which all-linear leaves out.
    "qwen3-untied-regex-head": dict(
        base="qwen3-untied", lora=dict(r=3, lora_alpha=6, target_modules=r"(.*\.0\.mlp\.(up|down)_proj|.*\.v_proj|lm_head)"),
        random_b=True, rate=1e-2, decay=0.0, clip=1.2),
    # LoRA+ through a sliding window.
    "mistral-loraplus": dict(
        base="mistral", lora=dict(r=4, lora_alpha=4, target_modules="all-linear"), random_b=True, rate=2e-3, ratio=4.0, decay=0.01, clip=1.5),
}


def make_batches(seed):
    """Ragged batches; the last of the distinct ones is one sequence, and one sequence has nothing counted at all."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return int(torch.randint(low, high, (1,), generator=generator))

    distinct = []
    for index in range(DISTINCT):
        batch = []
        for row in range(1 if index == DISTINCT - 1 else 4):
            length = draw(4, 25)
            ids = torch.randint(0, VOCABULARY, (length,), generator=generator).tolist()
            prompt = draw(1, length)
            counted = [int(i >= prompt) for i in range(length)]
            if index == 1 and row == 2:
                counted = [0] * length
            if index == 2 and row == 0:
                counted = [0] + [1] * (length - 1)
            if index == 3:  # two answers with a question between
                counted = [int(i > 0 and (i % 5) < 3) for i in range(length)]
            batch.append(dict(ids=ids, counted=counted))
        distinct.append(batch)
    return [distinct[step % DISTINCT] for step in range(STEPS)]


def loss_of(model, batch):
    """Mean over the counted tokens of all sequences; each runs alone, so that nothing hangs on padding."""
    total = 0.0
    for s in batch:
        ids = torch.tensor([s["ids"]])
        labels = torch.where(torch.tensor([s["counted"]]) == 1, ids, -100)
        logits = model(input_ids=ids).logits
        total = total + torch.nn.functional.cross_entropy(
            logits[0, :-1], labels[0, 1:], ignore_index=-100, reduction="sum")
    return total / sum(sum(s["counted"]) for s in batch)


def build(case, seed, models, dtype):
    model = AutoModelForCausalLM.from_pretrained(models / case["base"], dtype=torch.float32, attn_implementation="eager")
    model.name_or_path = "lorikeet/" + case["base"]  # else PEFT writes this machine's path into the configuration
    torch.manual_seed(seed)
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **case["lora"]))
    if case["random_b"]:
        with torch.no_grad():
            for name, p in model.named_parameters():
                if "lora_B" in name:
                    p.copy_(0.1 * torch.randn(p.shape))
    return model.to(dtype).train()


def train(model, batches, case):
    pairs = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    ratio = case.get("ratio", 1.0)
    groups = [dict(params=[p for n, p in pairs if "lora_A" in n], lr=case["rate"]),
              dict(params=[p for n, p in pairs if "lora_B" in n], lr=case["rate"] * ratio)]
    assert sum(len(g["params"]) for g in groups) == len(pairs)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=case["decay"])
    schedule = get_linear_schedule_with_warmup(optimizer, 4, STEPS)
    losses, norms, rates, first = [], [], [], None
    for batch in batches:
        loss = loss_of(model, batch)
        loss.backward()
        if first is None:
            first = {n.replace(".default", ""): p.grad.detach().clone() for n, p in pairs}
        norms.append(float(torch.nn.utils.clip_grad_norm_([p for _, p in pairs], case["clip"])))
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(float(loss.detach()))
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return losses, norms, rates, first


def save(model, folder):
    model.save_pretrained(folder, save_embedding_layers=False)  # else a targeted head is saved whole
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    if isinstance(config["target_modules"], list):  # a set, in no fixed order
        config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2, sort_keys=True))  # as PEFT does it: no newline at the end


def check_against_f64(name, case, seed, models, batches, losses, final):
    model = build(case, seed, models, torch.float64)
    exact, _, _, _ = train(model, batches, case)
    worst_loss = max(abs(a - b) / b for a, b in zip(losses, exact))
    exact_final = get_peft_model_state_dict(model, save_embedding_layers=False)
    worst_weight = max(float((final[k] - v).abs().max() / v.abs().max()) for k, v in exact_final.items())
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}; F32 against F64: losses {worst_loss:.1e}, weights {worst_weight:.1e}")
    assert worst_loss < 1e-5 and worst_weight < 2e-4, name


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE) / "training"
    models = HERE
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning)
    for index, (name, case) in enumerate(CASES.items()):
        seed = 4000 + index
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        batches = make_batches(seed)
        model = build(case, seed, models, torch.float32)
        save(model, folder / "initial")
        losses, norms, rates, gradients = train(model, batches, case)
        assert max(norms) > case["clip"], f"{name}: clipping is not seen: {norms}"
        save(model, folder / "final")
        final = load_file(folder / "final" / "adapter_model.safetensors")
        assert set(final) == set(gradients), set(final) ^ set(gradients)
        check_against_f64(name, case, seed, models, batches, losses, final)
        save_file(gradients, folder / "gradients.safetensors")
        sequences = json.loads((models / case["base"] / "golden.json").read_text())["sequences"]
        with torch.no_grad():
            logits = {f"final.{i}": model.eval()(input_ids=torch.tensor([ids])).logits[0].contiguous()
                      for i, ids in enumerate(sequences)}
        save_file(logits, folder / "logits.safetensors")
        settings = dict(learningRate=case["rate"], learningRateB=case["rate"] * case["ratio"] if "ratio" in case else None,
                        betas=[0.9, 0.999], epsilon=1e-8, weightDecay=case["decay"], clip=case["clip"], warmup=4, steps=STEPS)
        golden = dict(base=case["base"], settings=settings, losses=losses, gradientNorms=norms, learningRates=rates,
                      versions=dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__, peft=peft.__version__),
                      batches=batches)
        (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
