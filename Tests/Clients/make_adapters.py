"""PEFT folders with small random weights for SmolLM2-135M, written by hand: no PyTorch is needed to have adapters to serve.

A folder holds adapter_config.json and adapter_model.safetensors (an 8-byte length, a JSON header, the tensors in F32).
"""

import array
import json
import pathlib
import random
import struct
import sys

LAYERS, HIDDEN, RANK = 30, 576, 4
# (outputs, inputs) of the layers that are changed.
MODULES = {"q_proj": (576, HIDDEN), "v_proj": (192, HIDDEN)}


def write_adapter(folder, seed, size=0.04):
    """Writes an adapter whose weights are normal numbers of the given size: enough of a change to change answers."""
    numbers = random.Random(seed)
    header, data = {}, bytearray()

    def add(name, shape):
        values = array.array("f", (numbers.gauss(0, size) for _ in range(shape[0] * shape[1])))
        if sys.byteorder == "big":
            values.byteswap()
        begin = len(data)
        data.extend(values.tobytes())
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}

    for layer in range(LAYERS):
        for module, (outputs, inputs) in MODULES.items():
            path = f"base_model.model.model.layers.{layer}.self_attn.{module}"
            add(f"{path}.lora_A.weight", [RANK, inputs])
            add(f"{path}.lora_B.weight", [outputs, RANK])

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "r": RANK, "lora_alpha": 2 * RANK, "target_modules": sorted(MODULES), "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
