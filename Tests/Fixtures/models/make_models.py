#!/usr/bin/env python3
"""Small random models with real configuration shapes, and their logits by transformers.

Usage: make_models.py [OUTPUT_FOLDER]        (default: the folder of this script)
Versions: ../goldens-requirements.txt (torch 2.15.0, transformers 5.23.0, safetensors 0.8.0).

For each model, a Hugging Face directory `<name>/`:
  config.json, generation_config.json, model.safetensors (or shards and their index)
  golden.json         {"sequences": [[id, ...], ...], "seed", "dtype", "about"}
  golden.safetensors  F32 `logits.<sequence>`, (length, vocabulary), every position, eager attention in F32

Nothing is trivially one or zero: norm weights and biases are random. Before a golden is written the script checks that what the
model is there to show (rope scaling, window, bias, norms of q and k) moves the logits, so that ignoring it cannot pass.

Configurations come in two spellings: transformers 5 writes `rope_parameters`, older checkpoints have `rope_theta` and `rope_scaling`
(with `rope_type` or, older still, `type`), `torch_dtype` in place of `dtype`, no `layer_types`, and leave out what is the default.
"""

import copy
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

LENGTHS = (23, 9)
VOCABULARY = 131  # odd on purpose: no kernel gets a whole number of vectors

COMMON = dict(vocab_size=VOCABULARY, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=None,
              rms_norm_eps=1e-5, initializer_range=0.02, use_cache=True)

LLAMA3_SCALING = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                      original_max_position_embeddings=64)


def settings():
    """Name -> (configuration, spelling, what must matter, storage)."""
    llama2 = LlamaConfig(**COMMON, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=4, tie_word_embeddings=False,
                         rope_parameters=dict(rope_type="default", rope_theta=10000.0))
    # Head size 16 puts one frequency below, one inside and the rest above llama3's smoothing band for an original context of 64.
    llama3 = LlamaConfig(**{**COMMON, "eos_token_id": [2, 3]}, hidden_size=48, intermediate_size=40, num_hidden_layers=2,
                         num_attention_heads=3, num_key_value_heads=1, head_dim=16, tie_word_embeddings=False,
                         rope_parameters=dict(rope_theta=500000.0, **LLAMA3_SCALING))
    linear = LlamaConfig(**COMMON, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, tie_word_embeddings=False,
                         rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0))
    smollm2 = LlamaConfig(**COMMON, hidden_size=48, intermediate_size=56, num_hidden_layers=2, num_attention_heads=6,
                          num_key_value_heads=2, tie_word_embeddings=True,
                          rope_parameters=dict(rope_type="default", rope_theta=100000.0))
    biased = LlamaConfig(**COMMON, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, tie_word_embeddings=True, attention_bias=True,
                         rope_parameters=dict(rope_type="default", rope_theta=10000.0))
    mistral = MistralConfig(**COMMON, hidden_size=40, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4,
                            num_key_value_heads=2, head_dim=8, sliding_window=8, tie_word_embeddings=False,
                            rope_parameters=dict(rope_type="default", rope_theta=1000000.0))
    # `sliding_window` stands in every Qwen2 configuration and means nothing while `use_sliding_window` is false.
    qwen2 = Qwen2Config(**{**COMMON, "rms_norm_eps": 1e-6}, hidden_size=48, intermediate_size=52, num_hidden_layers=2,
                        num_attention_heads=6, num_key_value_heads=2, tie_word_embeddings=True,
                        rope_parameters=dict(rope_type="default", rope_theta=1000000.0), use_sliding_window=False,
                        sliding_window=8, max_window_layers=1)
    qwen3 = Qwen3Config(**{**COMMON, "rms_norm_eps": 1e-6}, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                        num_attention_heads=4, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True,
                        rope_parameters=dict(rope_type="default", rope_theta=1000000.0))
    qwen3_untied = copy.deepcopy(qwen3)
    qwen3_untied.tie_word_embeddings = False
    return {
        "llama2": (llama2, "oldest", {}, {}),
        "llama3": (llama3, "old", {"rope": ("default", None)}, {}),
        "llama-linear": (linear, "oldest", {"rope": ("default", None)}, {}),
        "llama-bias": (biased, "new", {"zero": ["q_proj.bias", "k_proj.bias", "v_proj.bias", "o_proj.bias"]}, {}),
        "smollm2": (smollm2, "new", {}, {}),
        "smollm2-sharded": (smollm2, "old", {}, {"max_shard_size": "40KB"}),
        "smollm2-bf16": (smollm2, "new", {}, {"dtype": torch.bfloat16}),
        "smollm2-f16": (smollm2, "old", {}, {"dtype": torch.float16}),
        "mistral": (mistral, "new", {"window": None}, {}),
        "qwen2": (qwen2, "old", {"zero": ["q_proj.bias", "k_proj.bias", "v_proj.bias"]}, {}),
        "qwen3": (qwen3, "new", {"one": ["q_norm.weight", "k_norm.weight"]}, {}),
        "qwen3-untied": (qwen3_untied, "old", {"one": ["q_norm.weight", "k_norm.weight"]}, {}),
    }


def randomise(model, seed):
    """Fills every parameter: norms around one, biases and weights so that attention is peaked and logits are a few units."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "norm" in name:
                p.copy_(1 + 0.3 * noise)
            elif name.endswith(".bias"):
                p.copy_(0.5 * noise)
            elif "embed_tokens" in name:
                p.copy_(0.5 * noise)
            else:
                gain = 2.0 if ("q_proj" in name or "k_proj" in name) else 1.0
                p.copy_(gain * noise / p.shape[1] ** 0.5)


def respell(folder, spelling, storage):
    """Rewrites config.json as checkpoints of before transformers 5 have it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["transformers_version"] = "5.23.0"
    if spelling == "new":
        assert "rope_parameters" in config
    else:
        rope = config.pop("rope_parameters")
        theta = rope.pop("rope_theta")
        kind = rope.pop("rope_type")
        config["rope_theta"] = theta
        config["rope_scaling"] = None
        if kind != "default":
            config["rope_scaling"] = {("type" if spelling == "oldest" else "rope_type"): kind, **rope}
        config["torch_dtype"] = config.pop("dtype")
        config["transformers_version"] = "4.43.0"
        config.pop("layer_types", None)
        if config["model_type"].startswith("qwen"):
            # as Qwen's own files have them; transformers forgets the window while it is switched off
            config["use_sliding_window"] = False
            config["sliding_window"] = 8
            config["max_window_layers"] = 1
    if spelling == "oldest":
        if config["rope_theta"] == 10000.0:
            del config["rope_theta"]
        for key in ("head_dim", "attention_bias", "mlp_bias", "attention_dropout", "pretraining_tp"):
            config.pop(key, None)
        if config["num_key_value_heads"] == config["num_attention_heads"]:
            del config["num_key_value_heads"]
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def logits(model, sequences):
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids])).logits[0].float().contiguous() for ids in sequences]


def load(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def check_it_matters(folder, matters, sequences, golden):
    """Fails when a reader that ignores the model's speciality would come close to the golden."""
    def other(change):
        model = load(folder)
        change(model)
        worst = max((a - b).abs().max() / b.abs().max() for a, b in zip(logits(model, sequences), golden))
        assert worst > 0.01, f"{folder.name}: {matters} moves the logits by {worst:.2g} only"

    if "rope" in matters:
        def plain(model):
            rotary = model.model.rotary_emb
            half = torch.arange(0, rotary.inv_freq.numel(), dtype=torch.float32) / rotary.inv_freq.numel()
            rotary.inv_freq = model.config.rope_parameters["rope_theta"] ** -half
        other(plain)
    if "window" in matters:
        def full(model):
            model.config.sliding_window = None
            model.model.config.sliding_window = None
            for layer in model.model.layers:
                layer.self_attn.sliding_window = None
        other(full)
    for kind, value in (("zero", 0.0), ("one", 1.0)):
        for suffix in matters.get(kind, []):
            def blank(model):
                with torch.no_grad():
                    hits = [p for n, p in model.named_parameters() if n.endswith(suffix)]
                    assert hits, suffix
                    for p in hits:
                        p.fill_(value)
            other(blank)


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for index, (name, (config, spelling, matters, storage)) in enumerate(settings().items()):
        seed = 1000 + (4 if name.startswith("smollm2") else index)  # the smollm2 variants hold the same weights
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in list(folder.glob("model*")) + list(folder.glob("golden*")):
            old.unlink()
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
        randomise(model, seed)
        dtype = storage.get("dtype", torch.float32)
        model.to(dtype).save_pretrained(folder, max_shard_size=storage.get("max_shard_size", "5GB"))
        respell(folder, spelling, storage)

        generator = torch.Generator().manual_seed(7000 + seed)
        sequences = [torch.randint(0, VOCABULARY, (n,), generator=generator).tolist() for n in LENGTHS]
        golden = logits(load(folder), sequences)
        check_it_matters(folder, matters, sequences, golden)
        save_file({f"logits.{i}": g for i, g in enumerate(golden)}, folder / "golden.safetensors")
        about = dict(sequences=sequences, seed=seed, dtype=str(dtype).split(".")[1], spelling=spelling, versions=versions())
        (folder / "golden.json").write_text(json.dumps(about) + "\n")
        size = sum(f.stat().st_size for f in folder.iterdir())
        print(f"{name}: {size // 1024} KiB, largest logit {max(g.abs().max() for g in golden):.2f}")


def versions():
    import safetensors
    return dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__, safetensors=safetensors.__version__)


if __name__ == "__main__":
    main()
