#!/usr/bin/env python3
"""What PEFT selects, and adapters as PEFT writes them.

Usage: make_adapters.py [OUTPUT_FOLDER]        (default: the folder of this script)
Versions: ../goldens-requirements.txt (torch 2.15.0, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0).

  patterns.json     [[pattern, [[path, matches], ...]], ...] by re.fullmatch; null instead of the list where re refuses the pattern
  selections.json   "models": {name: [[path, inputs, outputs, is_head], ...]} in the order of named_modules(), and last the embedding, with
                    "embedding" in place of is_head
                    "cases": [{"model", "config" (members of adapter_config.json), "targets": [[path, r, alpha, scaling], ...]
                    or null where PEFT refuses, "saved": target_modules as PEFT saves them, lists sorted}]
  <case>/adapter_config.json, <case>/adapter_model.safetensors      as PEFT saves them
  whole/<case>/     the same two files of adapters over ../models with more than low-rank updates, and logits.safetensors: F32 `logits`,
                    (T, vocabulary), by PEFT after loading what was saved
  whole/cases.json  {case: {"model", "tokens", "changes": [[path, kind, Frobenius norm of the change], ...], sorted}}
  cases.json        {case: {"model", "norms": {path: Frobenius norm of scaling * B A, in F64}, "digest": Lorikeet's own
                    digest of the adapter for a base whose fingerprint is sha256("base"), without prompt contract}}
"""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import struct
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT saves sets of names in the order of their hashes
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).parent
SIZES = dict(hidden_size=16, intermediate_size=24, num_attention_heads=4, num_key_value_heads=2, vocab_size=40)


def make_model(name, dtype=torch.float32):
    torch.manual_seed(1)
    if name == "llama":
        model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=12, tie_word_embeddings=False, **SIZES))
    else:
        model = Qwen2ForCausalLM(Qwen2Config(num_hidden_layers=2, tie_word_embeddings=True, **SIZES))
    model.name_or_path = "lorikeet/" + name
    return model.to(dtype)


def slots(model):
    head = model.get_output_embeddings()
    linear = [[n, m.in_features, m.out_features, m is head] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    return linear + [[n, m.num_embeddings, m.embedding_dim, "embedding"] for n, m in model.named_modules() if isinstance(m, torch.nn.Embedding)]


# ---- selections ---------------------------------------------------------------------------------------------------

FULL = [f"model.layers.{i}.self_attn.{n}_proj" for i in range(12) for n in "qv"]  # 24 names: PEFT shortens them

SELECTIONS = [
    dict(),
    dict(target_modules="all-linear"),
    dict(target_modules="ALL-LINEAR", r=3),
    dict(target_modules="all-linear", exclude_modules=["q_proj", "mlp.up_proj"]),
    dict(target_modules="all-linear", exclude_modules=r".*\.(0|1)\..*"),
    dict(target_modules="all-linear", exclude_modules=[]),
    dict(target_modules="all-linear", exclude_modules=""),
    dict(target_modules="all-linear", layers_to_transform=[0]),
    dict(target_modules=["q_proj"]),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=1),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[0, 10, 11]),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[]),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1], layers_pattern="layers"),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1], layers_pattern=["h", "layers"]),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1], layers_pattern="model.layers"),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1], layers_pattern="ayers"),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1], layers_pattern=""),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[1], layers_pattern=[]),
    dict(target_modules=["q_proj", "v_proj"], layers_to_transform=[99]),
    dict(target_modules=["q_proj", "v_proj"], layers_pattern="layers"),
    dict(target_modules=["model.layers.1.self_attn.q_proj", "v_proj"], layers_to_transform=[0]),
    dict(target_modules=FULL),
    dict(target_modules=FULL, layers_to_transform=[3]),
    dict(target_modules=FULL[:12], layers_to_transform=[3]),
    dict(target_modules=[n for n in FULL if n.endswith("q_proj") or ".1." in n] + [f"model.layers.{i}.mlp.up_proj" for i in range(12)]),
    dict(target_modules=["lm_head"]),
    dict(target_modules=["lm_head", "o_proj"], layers_to_transform=[0]),
    dict(target_modules=["self_attn.q_proj", "1.mlp.down_proj"]),
    dict(target_modules=["proj"]),
    dict(target_modules=["embed_tokens"]),
    dict(target_modules=["q_proj", "embed_tokens", "lm_head"], r=3, rank_pattern={"embed_tokens": 2}, alpha_pattern={"lm_head": 5}, use_rslora=True),
    dict(target_modules=["q_proj", "embed_tokens"], layers_to_transform=[0]),
    dict(target_modules=r"(.*q_proj|model\.embed_tokens)"),
    dict(target_modules=["embed_tokens", "q_proj"], lora_bias=True),
    dict(target_modules=["q_proj", "lm_head"], modules_to_save=["lm_head"]),
    dict(target_modules=["q_proj", "embed_tokens", "lm_head"], modules_to_save=["model.embed_tokens", "nothing_like_it"]),
    dict(target_modules=["embed_tokens"], modules_to_save=["embed_tokens"]),
    dict(target_modules=r".*(lm_head|v_proj)", modules_to_save=["lm_head"], bias="all"),
    dict(target_modules=["q_proj", "nothing_like_it"]),
    dict(target_modules=[]),
    dict(target_modules=["mlp"]),
    dict(target_modules=["q_proj", "self_attn"]),
    dict(target_modules=["norm", "q_proj"]),
    dict(target_modules=["model"]),
    dict(target_modules=["q_proj"], exclude_modules=["q_proj"]),
    dict(target_modules=["q_proj", "k_proj"], exclude_modules=["layers.0.self_attn.q_proj", "self_attn"]),
    dict(target_modules=r".*\.self_attn\.(q|k)_proj"),
    dict(target_modules=r"model\.layers\.\d\.mlp\..*_proj"),
    dict(target_modules=r"model\.layers\.[01]\.mlp\..*"),
    dict(target_modules=r"q_proj"),
    dict(target_modules=r".*"),
    dict(target_modules=r"^(?!.*layers\.0).*(?:q|v)_proj$"),
    dict(target_modules=r"(?i).*Q_PROJ"),
    dict(target_modules=r".*(q_proj"),
    dict(target_modules=r".*q_proj", layers_to_transform=[0]),
    dict(target_modules=r"lm_head"),
    dict(target_modules=r"(.*\.)?(lm_head|1\.mlp\.gate_proj)"),
    dict(target_modules=["q_proj", "v_proj"], r=4, lora_alpha=6, use_rslora=True),
    dict(target_modules=["q_proj", "v_proj"], r=4, rank_pattern={"q_proj": 2}, alpha_pattern={"v_proj": 3}),
    dict(target_modules=["q_proj", "v_proj"], r=4, rank_pattern={"layers.1.self_attn.q_proj": 2, "q_proj": 3, ".*v_proj": 7}),
    dict(target_modules=["q_proj", "v_proj"], r=4, rank_pattern={"q_proj": 3, "layers.1.self_attn.q_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], r=4, rank_pattern={r"layers\.(0|1)\.self_attn\.q_proj": 2}, use_rslora=True),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"_proj": 2, "proj": 3, "elf_attn.q_proj": 4, "self_attn": 5}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"^model.layers.1.self_attn.q_proj": 5, "1.self_attn.v_proj": 6}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"model.layers.1.self_attn.q_proj$": 5, r"model.*1.*v_proj": 6}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj|v_proj": 5}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj)|(v_proj": 5}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj(": 5}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"": 5}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 0}),
    dict(target_modules=["q_proj"], r=0),
    dict(target_modules=["q_proj", "v_proj"], lora_alpha=2.5, alpha_pattern={"layers.0.*": 1.5, "q_proj": 4}),
    dict(target_modules="all-linear", r=2, lora_alpha=1, rank_pattern={r"mlp\.\w+": 5, r"layers\.\d+\.self_attn\..*": 6}, use_rslora=True),
]


def select(name, settings):
    warnings.simplefilter("ignore")
    model = make_model(name)
    try:
        tuned = get_peft_model(model, LoraConfig(**settings))
    except Exception:  # whatever PEFT or re has against it
        return dict(model=name, config=dict(peft_type="LORA", **settings), targets=None, saved=None)
    found = []
    for path, module in tuned.base_model.model.named_modules():
        if hasattr(module, "lora_A"):
            found.append([path, module.r["default"], module.lora_alpha["default"], module.scaling["default"]])
    saved = tuned.peft_config["default"].target_modules
    saved = saved if isinstance(saved, str) else sorted(saved)
    return dict(model=name, config=dict(peft_type="LORA", **settings), targets=found, saved=saved)


# ---- patterns -----------------------------------------------------------------------------------------------------

PATHS = ["model.layers.0.self_attn.q_proj", "model.layers.11.mlp.down_proj", "lm_head", "", "a", "ab.ba", "aab", "A1_", "a\n", "é.ß"]

PATTERNS = [
    r".*", r".+", r"", r"lm_head", r"LM_HEAD", r"(?i)LM_HEAD", r"(?i:LM)_head", r"(?i:LM)_HEAD", r"lm(?#note)_head", r"^lm_head$", r"\Alm_head\Z",
    r".*\.(q|k|v)_proj", r"model\.layers\.(?:\d|1[01])\..*", r".*layers\.\d{2}\..*", r".*layers\.\d{2,}\..*", r".*layers\.\d{,1}\..*", r"a{2}b", r"a{,2}b",
    r"a{2,1}", r"a{", r"a{x}", r"a{}", r"a{,}b", r"{1}", r"a{1}{2}", r"a**", r"a*?b", r"a+?ab", r"(a*)*b", r"(a|aa)+$", r"(a+)+b", r"(?:a?){30}a{1}b",
    r"*a", r"+", r"?", r"a|*", r"(", r")", r"(a", r"a)", r"()", r"(|a)", r"a|", r"|", r"[", r"[]", r"[]]", r"[^]]", r"[a-]+b", r"[a-", r"[z-a]", r"[\d-x]", r"[\w.]+",
    r"[^.]+", r"[^.]*\.[^.]*", r"\w+", r"\W", r"[\W]", r"\D+", r"\S+", r"a\s", r"a$", r"a\Z", r"a\n", r"a.", r"(?s)a.", r"\bab\b.*", r".*\Bb\.b.*", r"^*", r"^a", r"a^", r"$a", r"\q",
    r"\.", r"\_", r"ab\.ba", r"ab.ba", r"\x61", r"\x6", r"\u0061", r"é.+", r"\xe9.*", r"[à-ý]\.ß", r"(?P<n>a)", r"(?P<1>a)", r"(?P<n", r"(?P>a)", r"(?<n>a)", r"(?=a)a", r"(?!a)a", r"(?=.*q_)model.*",
    r"^(?!.*mlp).*_proj$", r"^(?!.*(mlp|vision)).*(?:q|v)_proj$", r".*(?<=q_)proj", r".*(?<!q_)proj", r"(?<=a*)b", r"(?<=a|bb)b", r"a(?<=a)ab", r"a(?i)", r"(?i", r"(?z)a", r"(?-i)a", r"(?i-s:A)",
    r"(?:(?:a))+b", r"(?=a)*a", r"a{65535}", r"[[a]b", r"[a&&b]+", r"[\]a]+", r"[\b]", r"[a\-z]+", r"\Q", r"a\\", "a\\", r"(?m)a$", r"(?u)a", r"(?a)a", r"(?:", r"(?", r"(?P", r"(?<", r"(?<=", r"(?<a",
    r".*\.layers\.(0|[1-9]\d?)\.(self_attn|mlp)\.(\w+_)?proj", r"model(\.\w+)+", r"(\w+\.)*\w+", r"(?:[a-z_]+|\d+)(?:\.(?:[a-z_]+|\d+))*",
]


def random_patterns(count):
    """Short patterns of the pieces that mistakes are made of."""
    generator = random.Random(7)
    pieces = ["a", "b", "A", ".", r"\.", "(", ")", "(?:", "|", "*", "+", "?", "{2}", "{1,2}", "{,1}", "[ab]", "[^a]", r"\w", "^", "$", "(?=", "(?!", "(?<=", "_", "1", r"\b"]
    found = set()
    while len(found) < count:
        found.add("".join(generator.choice(pieces) for _ in range(generator.randint(1, 7))))
    return sorted(found)


def refused_here(pattern):
    """What re takes and Lorikeet refuses by name."""
    return re.search(r"[*+?}]\+", pattern) is not None


def matches(pattern):
    warnings.simplefilter("ignore")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError):
        return [pattern, None]
    return [pattern, [[path, compiled.fullmatch(path) is not None] for path in PATHS]]


# ---- adapters -----------------------------------------------------------------------------------------------------

ADAPTERS = {
    "lora": dict(model="qwen2", lora=dict(r=4, lora_alpha=8, target_modules="all-linear", lora_dropout=0.05)),
    "rslora-patterns": dict(
        model="qwen2",
        lora=dict(r=4, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "down_proj"], init_lora_weights="gaussian",
                  rank_pattern={r"layers\.1\.self_attn\.q_proj": 2, "down_proj": 3}, alpha_pattern={r"layers\.0\..*": 2.5})),
    "some-blocks": dict(
        model="llama",
        lora=dict(r=2, target_modules=["q_proj", "v_proj", "lm_headless"], layers_to_transform=[2, 10], layers_pattern="layers", exclude_modules=["2.self_attn.v_proj"])),
    "regex": dict(model="llama", lora=dict(r=1, lora_alpha=16, layers_to_transform=None, target_modules=r"(model\.layers\.(1|11)\.mlp\.(up|down)_proj|lm_head)")),
    "one-block": dict(model="qwen2", lora=dict(r=3, target_modules=["k_proj"], layers_to_transform=1)),
    "bf16": dict(model="qwen2", lora=dict(r=2, target_modules=["o_proj", "gate_proj"]), dtype=torch.bfloat16),
    "f16": dict(model="qwen2", lora=dict(r=2, target_modules=["o_proj", "gate_proj"]), dtype=torch.float16),
}


def number(value):
    return struct.pack("<q", value)


def digest(factors):
    """Sources/Adapters/Adapter+Digest.swift, said once more."""
    text = b"lorikeet adapter 1\n" + hashlib.sha256(b"base").hexdigest().encode() + b"\n"
    text += number(0) + number(len(factors))
    for path, (scaling, a, b) in sorted(factors.items()):
        scale = struct.unpack("<I", struct.pack("<f", scaling))[0]
        text += number(len(path)) + path.encode() + b"y += s B A x" + number(scale)
        for factor in (a, b):
            text += number(factor.shape[0]) + number(factor.shape[1]) + factor.float().numpy().tobytes()
    return hashlib.sha256(text).hexdigest()


def save_adapter(folder, case):
    warnings.simplefilter("ignore")
    dtype = case.get("dtype", torch.float32)
    model = make_model(case["model"], dtype)
    torch.manual_seed(2)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **case["lora"]), autocast_adapter_dtype=False)
    norms, factors = {}, {}
    with torch.no_grad():
        for path, module in tuned.base_model.model.named_modules():
            if not hasattr(module, "lora_A"):
                continue
            a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
            b.copy_(0.1 * torch.randn(b.shape))
            norms[path] = float(torch.linalg.norm(module.scaling["default"] * b.double() @ a.double()))
            factors[path] = (module.scaling["default"], a.detach(), b.detach())
    tuned.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink()
    (folder / "adapter_model.safetensors").chmod(0o644)
    return dict(model=case["model"], norms=norms, digest=digest(factors))


# ---- whole weights and biases -------------------------------------------------------------------------------------

TOKENS = [1, 17, 99, 4, 4, 63, 128, 30]
WHOLE = {
    "bias-adapted": dict(model="llama-bias", lora=dict(target_modules=["q_proj", "o_proj", "up_proj"], bias="lora_only")),
    "bias-all": dict(model="qwen2", lora=dict(target_modules=["q_proj"], bias="all", use_rslora=True)),
    "bias-of-b": dict(model="qwen2", lora=dict(target_modules=["v_proj", "down_proj"], lora_alpha=6, lora_bias=True)),
    "embedding-tied": dict(model="llama-bias", lora=dict(target_modules=["q_proj", "embed_tokens"], lora_alpha=6), save="auto"),
    "embedding-untied": dict(model="llama2", lora=dict(target_modules=["embed_tokens"], lora_alpha=5, use_rslora=True), save=False),
    "embedding-and-head": dict(model="llama-bias", lora=dict(target_modules=["embed_tokens", "lm_head"]), save="auto"),
    "new-base-tied": dict(model="llama-bias", lora=dict(target_modules=["embed_tokens"]), save="auto", moves_base=True),
    "head-tied": dict(model="llama-bias", lora=dict(target_modules=["v_proj"], modules_to_save=["lm_head"])),
    "head-untied": dict(model="llama2", lora=dict(target_modules=["v_proj"], modules_to_save=["lm_head"])),
    "embedding-saved-tied": dict(model="llama-bias", lora=dict(target_modules=["v_proj"], modules_to_save=["embed_tokens"])),
    "both-saved-tied": dict(model="llama-bias", lora=dict(target_modules=["v_proj"], modules_to_save=["embed_tokens", "lm_head"])),
    "both-made-one": dict(model="llama-bias", lora=dict(target_modules=["v_proj"], modules_to_save=["model.embed_tokens"], ensure_weight_tying=True)),
    "everything": dict(model="llama-bias", save="auto",
                       lora=dict(target_modules=["k_proj", "embed_tokens"], modules_to_save=["lm_head"], bias="all")),
}


def load_base(name):
    folder = HERE / ".." / "models" / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.name_or_path = "lorikeet/" + name
    return model


def logits(model):
    with torch.no_grad():
        return model.eval()(torch.tensor([TOKENS])).logits[0].float().contiguous()


def randomise(tuned, moves_base):
    """Moves everything that is trained, and the base's own embedding where that is the case."""
    with torch.no_grad():
        for name, value in tuned.named_parameters():
            if "lora_A" in name:
                continue
            if "lora_" in name:
                value.copy_(0.3 * torch.randn(value.shape))
            elif value.requires_grad or (moves_base and "embed_tokens" in name):
                value.add_(0.2 * torch.randn(value.shape))


def changes(saved, tuned, base):
    """What the saved tensors do to each layer of the base, and how far they move it."""
    norm = lambda value: float(torch.linalg.norm(value.double()))
    own, modules = dict(base.named_parameters(remove_duplicate=False)), dict(tuned.base_model.model.named_modules())
    found = []
    for key, value in saved.items():
        path, _, part = key.removeprefix("base_model.model.").replace(".base_layer", "").rpartition(".lora_")
        if part in ("A.weight", "embedding_A"):
            b = saved[key.replace("lora_A", "lora_B").replace("embedding_A", "embedding_B")]
            found.append([path, "low rank", norm(modules[path].scaling["default"] * b.double() @ value.double())])
        elif part == "B.bias":
            found.append([path, "added bias", norm(modules[path].scaling["default"] * value)])
        elif ".lora_" not in key:
            name = key.removeprefix("base_model.model.").replace(".base_layer", "")
            # The base's own weights go back into the base, where a tied head and embedding are one parameter.
            ties = base.config.tie_word_embeddings and name.endswith(".weight") and "base_layer" in key
            for also in ["lm_head.weight", "model.embed_tokens.weight"] if ties else [name]:
                if also == name or not hasattr(modules[also.removesuffix(".weight")], "modules_to_save"):
                    found.append([*also.rsplit(".", 1), norm(value - own[also])])
    return sorted(map(list, {tuple(change) for change in found}))


def save_whole(folder, case):
    warnings.simplefilter("ignore")
    torch.manual_seed(5)
    tuned = get_peft_model(load_base(case["model"]), LoraConfig(task_type="CAUSAL_LM", r=2, **case["lora"]))
    randomise(tuned, case.get("moves_base", False))
    tuned.save_pretrained(folder, save_embedding_layers=case.get("save", False))
    (folder / "README.md").unlink()
    (folder / "adapter_model.safetensors").chmod(0o644)
    again = logits(PeftModel.from_pretrained(load_base(case["model"]), folder))
    assert torch.equal(again, logits(tuned)), folder
    assert not torch.allclose(again, logits(load_base(case["model"])), rtol=1e-2), folder
    save_file(dict(logits=again), folder / "logits.safetensors")
    saved = load_file(folder / "adapter_model.safetensors")
    return dict(model=case["model"], tokens=TOKENS, changes=changes(saved, tuned, load_base(case["model"])))


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    out.mkdir(parents=True, exist_ok=True)

    def write(name, value):
        (out / name).write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("],[", "],\n[") + "\n")

    patterns = PATTERNS + [p for p in random_patterns(1500) if not refused_here(p)]
    write("patterns.json", [matches(p) for p in patterns])
    cases = [select(name, settings) for settings in SELECTIONS for name in ["llama", "qwen2"]]
    write("selections.json", dict(models={n: slots(make_model(n)) for n in ["llama", "qwen2"]}, cases=cases))
    saved = {}
    for name, case in ADAPTERS.items():
        shutil.rmtree(out / name, ignore_errors=True)
        saved[name] = save_adapter(out / name, case)
    write("cases.json", saved)
    shutil.rmtree(out / "whole", ignore_errors=True)
    (out / "whole").mkdir()
    write("whole/cases.json", {name: save_whole(out / "whole" / name, case) for name, case in WHOLE.items()})


main()
