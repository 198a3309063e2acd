#!/usr/bin/env python3
"""Adapters between PEFT and Lorikeet, live, over the small models of ../Fixtures/models.

For each model and configuration (low rank alone, with biases, embeddings, whole heads): PEFT makes an adapter and saves it; Lorikeet reads it and gives its logits, which must be PEFT's to
1e-4 of the row's largest magnitude; Lorikeet writes it again, byte by byte the same weights and key by key the same configuration; PEFT
loads what Lorikeet wrote and gives its own logits again, to the last bit.

Usage: live_peft.py [--tool .build/release/adapter-logits]
Versions: ../Fixtures/goldens-requirements.txt. Exit code 1 and a line for each difference.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ["llama2", "llama3", "llama-bias", "smollm2", "smollm2-sharded", "mistral", "qwen2", "qwen3-untied"]
CONFIGURATIONS = {
    "lora": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "rslora": dict(r=6, lora_alpha=12, use_rslora=True, target_modules=["q_proj", "v_proj"]),
    "patterns": dict(r=4, lora_alpha=4, target_modules=["q_proj", "down_proj", "o_proj"], rank_pattern={"q_proj": 2, r"layers\.1\.mlp": 7},
                     alpha_pattern={"o_proj": 32}),
    "one layer": dict(r=3, lora_alpha=5, target_modules=["gate_proj", "up_proj"], layers_to_transform=[1], use_rslora=True),
    "expression": dict(r=2, lora_alpha=16, target_modules=r".*\.0\..*(q|k)_proj", exclude_modules=["k_proj"]),
}
# With more than low-rank updates; "save" is save_pretrained's save_embedding_layers, False where it is left out.
WHOLE = {
    "biases of adapted layers": dict(target_modules=["q_proj", "up_proj"], bias="lora_only", use_rslora=True),
    "all biases": dict(target_modules=["q_proj", "down_proj"], bias="all"),
    "bias of B": dict(target_modules="all-linear", lora_bias=True, lora_alpha=12),
    "embedding": dict(target_modules=["embed_tokens", "k_proj"], rank_pattern={"embed_tokens": 5}, alpha_pattern={"embed_tokens": 7}),
    "embedding, base saved": dict(target_modules=["embed_tokens", "lm_head"], save="auto"),
    "base saved alone": dict(target_modules=["v_proj"], save=True),
    "whole head": dict(target_modules=["v_proj"], modules_to_save=["lm_head"]),
    "whole embedding": dict(target_modules=["v_proj"], modules_to_save=["embed_tokens"], bias="lora_only"),
    "both whole": dict(target_modules="all-linear", modules_to_save=["embed_tokens", "lm_head"]),
    "both whole, tied": dict(target_modules=["v_proj"], modules_to_save=["embed_tokens"], ensure_weight_tying=True),
    "embedding and whole head": dict(target_modules=["embed_tokens"], modules_to_save=["lm_head"], bias="all", save="auto"),
}
TOKENS = [1, 17, 99, 4, 4, 63, 128, 30, 7, 81, 5]


def base(name):
    return AutoModelForCausalLM.from_pretrained(HERE / "../Fixtures/models" / name, dtype=torch.float32, attn_implementation="eager")


def logits(model):
    with torch.no_grad():
        return model.eval()(torch.tensor([TOKENS])).logits[0].float()


def differences(tool, name, settings, folder):
    torch.manual_seed(3)
    saves = settings.get("save", False)
    tuned = get_peft_model(base(name), LoraConfig(task_type="CAUSAL_LM", **{k: v for k, v in settings.items() if k != "save"}))
    with torch.no_grad():
        for key, value in tuned.named_parameters():
            if "lora_" in key and "lora_A" not in key:
                value.copy_(0.3 * torch.randn(value.shape))
            elif "lora_" not in key and (value.requires_grad or (saves and "embed_tokens" in key)):
                value.add_(0.2 * torch.randn(value.shape))
    tuned.save_pretrained(folder / "saved", save_embedding_layers=saves)
    theirs, plain = logits(tuned), logits(base(name))
    if torch.allclose(theirs, plain, rtol=1e-2):
        yield "the adapter hardly moves the logits, so this shows nothing"
    done = subprocess.run([tool, HERE / "../Fixtures/models" / name, folder / "saved", folder / "again", folder / "logits.safetensors",
                           *map(str, TOKENS)], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        yield done.stderr.strip()
        return
    ours = load_file(folder / "logits.safetensors")["logits"]
    off = ((ours - theirs).abs() / theirs.abs().amax(dim=1, keepdim=True)).max()
    if not off <= 1e-4:
        yield f"logits are off by {off:.2e} of the row's largest"
    weights = "adapter_model.safetensors"
    if (folder / "saved" / weights).read_bytes() != (folder / "again" / weights).read_bytes():
        yield "the weights are not the same bytes"
    kept, new = (json.loads((folder / d / "adapter_config.json").read_text()) for d in ("saved", "again"))
    for key in sorted(set(kept) | set(new)):
        if kept.get(key, "absent") != new.get(key, "absent"):
            yield f"{key}: {kept.get(key, 'absent')} became {new.get(key, 'absent')}"
    if not torch.equal(logits(PeftModel.from_pretrained(base(name), folder / "again")), theirs):
        yield "PEFT gives other logits with what Lorikeet wrote"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tool", default=".build/release/adapter-logits")
    tool = pathlib.Path(options.parse_args().tool).resolve()
    warnings.simplefilter("ignore")
    bad = count = 0
    for name in MODELS:
        for title, settings in {**CONFIGURATIONS, **WHOLE}.items():
            with tempfile.TemporaryDirectory() as folder:
                found = list(differences(tool, name, settings, pathlib.Path(folder)))
            for what in found:
                print(f"{name}, {title}: {what}")
            bad, count = bad + bool(found), count + 1
    print(f"{count - bad} of {count} adapters agree in both directions")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
