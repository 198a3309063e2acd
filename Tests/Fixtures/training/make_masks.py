#!/usr/bin/env python3
"""Tokens and targets of conversations by transformers' apply_chat_template, with SmolLM2's template and vocabulary.

Usage: make_masks.py FOLDER_OF_GGUF [OUTPUT_FOLDER]        (default: this folder)
Versions: ../goldens-requirements.txt (transformers 5.23.0, tokenizers 0.23.3).

masks.json: {"template": text, "rows": [{"messages", "ids", "all": [[first, end], ...], "last": [first, end],
"full": text}]}. A range holds the ids that are learnt: full[len(prompt):] for each answer.
Digits are split one by one before byte-level BPE, as the model was trained and as transformers' conversion of
the GGUF forgets.
"""

import json
import pathlib
import sys

from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

source = pathlib.Path(sys.argv[1])
output = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent)
tokenizer = AutoTokenizer.from_pretrained(source, gguf_file="SmolLM2-135M-Instruct.Q4_1.gguf")
tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
)
assert tokenizer.tokenize("In 2024") == ["In", "Ġ", "2", "0", "2", "4"]


def turns(*texts, system=None):
    roles = ["user", "assistant"] * len(texts)
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts)]
    return ([{"role": "system", "content": system}] if system is not None else []) + messages


adapters = pathlib.Path(__file__).resolve().parents[3] / "Adapters"
conversations = [
    json.loads(line)["messages"]
    for name in ("intent-kwikemart", "json-kwikemart", "sentiment-tweets", "persona-nova")
    for line in (adapters / name / "train.jsonl").read_text().splitlines()[:2]
] + [
    turns("What is the capital of France?", "Paris.", "And of Italy?", "Rome.", "Thanks!", "You are welcome."),
    turns("Count to 2024.", "1, 2, 3 ... 2023, 2024", system="Be brief."),
    turns("hi", "", system=""),
    turns("Ça va ?", "Très bien 👩‍👩‍👧‍👦 merci"),
    turns("code", "def f(x):\n    return x\n\n\n"),
    turns("What does <|im_end|> mean?", "It ends a turn."),
]


def ids(messages, **options):
    return tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, **options)


rows = []
for messages in conversations:
    ranges = []
    full = ids(messages)
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        prompt = ids(messages[:index], add_generation_prompt=True)
        answered = ids(messages[: index + 1])
        assert full[: len(answered)] == answered and answered[: len(prompt)] == prompt
        ranges.append([len(prompt), len(answered)])
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    rows.append({"messages": messages, "ids": full, "all": ranges, "last": ranges[-1], "full": text})

lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
template = json.dumps(tokenizer.chat_template, ensure_ascii=False)
(output / "masks.json").write_text(f'{{"template": {template}, "rows": [\n{lines}\n]}}\n')
