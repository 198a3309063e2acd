#!/usr/bin/env python3
"""Fixtures of the checkpoint formats, made by the libraries that define them.

Usage: make_checkpoints.py [BASE.gguf]        (writes beside this script; reads ../models; BASE is SmolLM2-135M-Instruct.Q4_1.gguf)
Versions: ../goldens-requirements.txt (gguf 0.19.0, safetensors 0.8.0, numpy, torch).

  blocks/<TYPE>.bin, .f32   random blocks of a ggml type, the first ones with extreme scales; their values by gguf.quants
  written.safetensors       names, types and shapes whose order is not that of writing
  <model>.gguf              a model of ../models as llama.cpp's converter writes it: q and k rows interleaved for Llama only;
                            llama2's matrices in Q8_0 where rows are whole blocks
  types.gguf                every kind of metadata value
  smollm2-q4_1.json         for each tensor of the real base, SHA-256 of its float32 values in Hugging Face's row order
"""

import hashlib
import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind, GGUFWriter
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / "models"

# Where a block of each type keeps its float16 scales.
SCALES = {Kind.Q8_0: [0], Kind.Q4_0: [0], Kind.Q4_1: [0, 2], Kind.Q5_0: [0], Kind.Q5_1: [0, 2], Kind.Q2_K: [80, 82],
          Kind.Q3_K: [108], Kind.Q4_K: [0, 2], Kind.Q5_K: [0, 2], Kind.Q6_K: [208]}
EXTREMES = [0.0, -0.0, 65504.0, -65504.0, 6.103515625e-05, 5.960464477539063e-08, -1.1920928955078125e-07, 1.0]


def blocks(folder):
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(2026)
    for kind, places in SCALES.items():
        values, size = gguf.GGML_QUANT_SIZES[kind]
        count = 16 if values == 32 else 4
        raw = random.integers(0, 256, (count, size), dtype=np.uint8)
        for block in range(count):
            for which, place in enumerate(places):
                extreme = EXTREMES[(block + 3 * which) % len(EXTREMES)]
                scale = extreme if block < count // 2 else random.normal() * 0.01
                raw[block, place:place + 2] = np.frombuffer(np.float16(scale).tobytes(), dtype=np.uint8)
        out = gguf.quants.dequantize(raw, kind)
        (folder / f"{kind.name}.bin").write_bytes(raw.tobytes())
        (folder / f"{kind.name}.f32").write_bytes(out.astype("<f4").tobytes())


def written(path):
    generator = torch.Generator().manual_seed(3)
    tensors = {
        "b.weight": torch.randn(3, 2, generator=generator), "a.weight": torch.randn(2, 3, generator=generator).half(),
        "Z": torch.randn(5, generator=generator).bfloat16(), "é\"\\\n": torch.randn(1, generator=generator),
        "a.bias": torch.randn(4, generator=generator).bfloat16(), "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4), "a10": torch.randn(1, generator=generator).half(),
        "a2": torch.randn(1, generator=generator).half(),
    }
    save_file(tensors, path, metadata={"format": "pt"})


def permute(rows, heads):
    """As `LlamaModel.permute` of llama.cpp's converter: halves that rotate together become neighbours."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def model(name, kind_of_matrices=None):
    source = MODELS / name
    config = json.loads((source / "config.json").read_text())
    architecture = {"mistral": "llama"}.get(config["model_type"], config["model_type"])
    heads = config["num_attention_heads"]
    shared = config.get("num_key_value_heads", heads)
    size = config.get("head_dim") or config["hidden_size"] // heads
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = rope.get("rope_theta") or config.get("rope_theta", 10000.0)
    writer = GGUFWriter(HERE / f"{name}.gguf", architecture)
    writer.add_type("model")
    writer.add_name(name)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(shared)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(base)
    if architecture == "llama":
        writer.add_rope_dimension_count(size)
    if "head_dim" in config:
        writer.add_key_length(size)
        writer.add_value_length(size)
    if config.get("sliding_window") and config["model_type"] == "mistral":
        writer.add_sliding_window(config["sliding_window"])
    kind = rope.get("rope_type", rope.get("type"))
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(base, size, rope))
    vocabulary(writer, config)
    for key, tensor in sorted(tensors_of(source).items()):
        values = tensor.float().numpy()
        if architecture == "llama" and (".q_proj." in key or ".k_proj." in key):
            values = permute(values, heads if ".q_proj." in key else shared)
        values = np.ascontiguousarray(values)
        name_there = gguf_name(key)
        if kind_of_matrices is not None and values.ndim == 2 and values.shape[1] % 32 == 0:
            writer.add_tensor(
                name_there, gguf.quants.quantize(values, kind_of_matrices), raw_dtype=kind_of_matrices)
        else:
            writer.add_tensor(name_there, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama3_factors(base, size, rope):
    """As llama.cpp's converter: what each inverse frequency is divided by."""
    factors = []
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    for frequency in 1.0 / (base ** (np.arange(0, size, 2, dtype=np.float32) / size)):
        wave = 2 * np.pi / frequency
        if wave < high:
            factors.append(1.0)
        elif wave > low:
            factors.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / wave - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def tensors_of(source):
    tensors = {}
    for path in sorted(source.glob("model*.safetensors")):
        tensors.update(load_file(path))
    return tensors


NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}


def gguf_name(key):
    key = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
           "lm_head.weight": "output.weight"}.get(key, key)
    for theirs, ours in NAMES.items():
        key = key.replace(theirs + ".", ours + ".")
    return key.replace("model.layers.", "blk.")


def vocabulary(writer, config):
    count = config["vocab_size"]
    tokens = ["<unk>", "<s>", "</s>", "<|im_end|>"] + [f"token{i}é" for i in range(4, count)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([2, 3, 3, 3] + [1] * (count - 4))
    writer.add_token_merges(["t o", "to ken"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_eot_token_id(3)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")


def types(path):
    writer = GGUFWriter(path, "llama")
    writer.add_uint8("t.u8", 200)
    writer.add_int8("t.i8", -100)
    writer.add_uint16("t.u16", 60000)
    writer.add_int16("t.i16", -30000)
    writer.add_uint32("t.u32", 4_000_000_000)
    writer.add_int32("t.i32", -2_000_000_000)
    writer.add_uint64("t.u64", 2**64 - 1)
    writer.add_int64("t.i64", -2**63)
    writer.add_float32("t.f32", 0.1)
    writer.add_float64("t.f64", 0.1)
    writer.add_bool("t.true", True)
    writer.add_bool("t.false", False)
    writer.add_string("t.text", "grüße 🦜")
    writer.add_array("t.strings", ["a", "", "é"])
    writer.add_array("t.integers", [1, -2, 3])
    writer.add_array("t.floats", [0.5, -1.5])
    writer.add_array("t.flags", [True, False, True])
    writer.add_array("t.nested", [[1, 2], [3]])
    writer.add_custom_alignment(64)
    writer.add_tensor("one", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("two", np.arange(4, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def unpermute(rows, heads):
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def real_base(path):
    reader = gguf.GGUFReader(path)
    heads = {"attn_q": reader.fields["llama.attention.head_count"].contents(),
             "attn_k": reader.fields["llama.attention.head_count_kv"].contents()}
    back = {theirs: ours for ours, theirs in NAMES.items()}
    digests = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        name = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}.get(tensor.name)
        if name is None:
            _, layer, part, last = tensor.name.split(".")
            name = f"model.layers.{layer}.{back[part]}.{last}"
            if part in heads:
                values = unpermute(values, heads[part])
        digests[name] = hashlib.sha256(np.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest()
    (HERE / "smollm2-q4_1.json").write_text(json.dumps(digests, indent=0, sort_keys=True) + "\n")


def main():
    if len(sys.argv) > 1:
        real_base(sys.argv[1])
    blocks(HERE / "blocks")
    written(HERE / "written.safetensors")
    types(HERE / "types.gguf")
    model("llama2", Kind.Q8_0)
    for name in ("smollm2", "llama3", "llama-linear", "llama-bias", "mistral", "qwen2", "qwen3"):
        model(name)


if __name__ == "__main__":
    main()
