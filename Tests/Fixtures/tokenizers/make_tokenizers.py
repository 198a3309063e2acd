"""Trains small tokenizers with the configurations of well-known models and keeps what the real
libraries make of hard texts.

    pip install -r requirements.txt
    python make_tokenizers.py [--train] [--model SmolLM2-135M-Instruct.Q4_1.gguf] [NAME ...]

The vocabularies that are kept are used again: the trainer breaks ties in another order each time. --train makes new ones.

For each NAME: NAME.json (tokenizer.json), NAME.config.json (tokenizer_config.json, some),
NAME.cases.json (ids and decoded text), NAME.gguf.json (the fields of a GGUF file, some). With --model,
smollm2.json holds ids of the real SmolLM2 vocabulary, its digits apart as the model was trained.
"""

import argparse
import json
import pathlib
import tempfile

import sentencepiece
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

import corpus

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
assert sentencepiece.__version__ == "0.2.3", sentencepiece.__version__

HERE = pathlib.Path(__file__).parent
MARK = "\u2581"
SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LEAD = r"[^\r\n\p{L}\p{N}]?"
CAPITALS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
SMALLS = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LLAMA3 = CONTRACTIONS + "|" + LEAD + r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES
QWEN2 = CONTRACTIONS + "|" + LEAD + r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES
TEKKEN = (LEAD + CAPITALS + "*" + SMALLS + "+|" + LEAD + CAPITALS + "+" + SMALLS
          + r"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES)
O200K = (LEAD + CAPITALS + "*" + SMALLS + "+" + CONTRACTIONS + "?|" + LEAD + CAPITALS + "+" + SMALLS
         + "*" + CONTRACTIONS + r"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES)


def train(tokenizer, size, special_tokens=(), alphabet=None):
    tokenizer.train_from_iterator(
        corpus.CORPUS,
        trainers.BpeTrainer(
            vocab_size=size, special_tokens=list(special_tokens), show_progress=False,
            initial_alphabet=alphabet or pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def byte_level(pre_tokenizer, size=700, normalizer=None, specials=(), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, size, specials)


def split(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
    ])


def gpt2():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer, {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}


def llama3():
    tokenizer = byte_level(split(LLAMA3), size=900, ignore_merges=True)
    tokenizer.add_special_tokens(
        ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"])
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(
            single="<|begin_of_text|>:0 $A:0", pair="<|begin_of_text|>:0 $A:0 <|begin_of_text|>:1 $B:1",
            special_tokens=[("<|begin_of_text|>", begin)]),
    ])
    return tokenizer, {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}


def qwen2():
    tokenizer = byte_level(split(QWEN2), normalizer=normalizers.NFC())
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    return tokenizer, {"add_bos_token": False, "bos_token": None, "eos_token": "<|im_end|>"}


def smollm():
    return byte_level(
        pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        specials=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]), {
            "bos_token": "<|im_start|>", "eos_token": {"content": "<|im_end|>"}}


def tekken():
    return byte_level(split(TEKKEN), size=900, specials=["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]), None


def o200k():
    return byte_level(split(O200K), size=600, specials=["<|endoftext|>"]), None


def sentence_pieces(normalizer, pre_tokenizer, decoder, size, byte_fallback=True, fuse_unk=True):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse_unk, byte_fallback=byte_fallback))
    # Trained by words, used on whole texts, as SentencePiece does.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(MARK, prepend_scheme="always", split=True)
    specials = ["<unk>", "<s>", "</s>"]
    if byte_fallback:
        specials += [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, show_progress=False, limit_alphabet=150)
    tokenizer.train_from_iterator(corpus.CORPUS, trainer)
    # Byte tokens are part of the vocabulary and not added.
    text = json.loads(tokenizer.to_str())
    text["added_tokens"] = text["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(text))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    else:
        text = json.loads(tokenizer.to_str())
        text["pre_tokenizer"] = None
        tokenizer = Tokenizer.from_str(json.dumps(text))
    tokenizer.decoder = decoder
    return tokenizer


def llama_decoder():
    return decoders.Sequence([
        decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def llama2():
    tokenizer = sentence_pieces(
        normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None,
        llama_decoder(), 900)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s>:0 $A:0", pair="<s>:0 $A:0 <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer, {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>"}


def mistral():
    tokenizer = sentence_pieces(
        None, pre_tokenizers.Metaspace(MARK, prepend_scheme="first", split=False), llama_decoder(), 800)
    tokenizer.add_special_tokens(["[INST]", "[/INST]"])
    return tokenizer, {"add_bos_token": True, "add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>"}


def metaspace():
    return sentence_pieces(
        None, pre_tokenizers.Metaspace(MARK, prepend_scheme="always", split=True),
        decoders.Metaspace(MARK, prepend_scheme="always", split=True), 500, byte_fallback=False,
        fuse_unk=False), None


def flags():
    """Every flag of added tokens, a space before the text, and RoBERTa's tokens around it."""
    tokenizer = byte_level(
        pre_tokenizers.ByteLevel(add_prefix_space=True), size=400, normalizer=normalizers.NFC(),
        specials=["<s>", "</s>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    tokenizer.add_special_tokens([
        AddedToken("<mask>", lstrip=True), AddedToken("<right>", rstrip=True),
        AddedToken("<both>", lstrip=True, rstrip=True)])
    tokenizer.add_tokens([
        AddedToken("word", single_word=True), AddedToken("e\u0301t\u00e9", normalized=True),
        AddedToken("lori", normalized=False), AddedToken("lorikeets", normalized=True), AddedToken("  ", normalized=False)])
    return tokenizer, None


def fnv(ids):
    """FNV-1a over the ids' four bytes: one number for a million tokens."""
    value = 0xCBF29CE484222325
    for token in ids:
        for byte in token.to_bytes(4, "little"):
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def golden(encode, decode, texts, bare, adds=True):
    """Cases: text, ids, decoded text (absent where it is the text), ids with special tokens around."""
    entries = []
    for text in dict.fromkeys(texts):
        ids = encode(text, False)
        entry = {"text": text, "ids": ids}
        decoded = decode(ids, False)
        if decoded != text:
            entry["decoded"] = decoded
        skipped = decode(ids, True)
        if skipped != decoded:
            entry["skipped"] = skipped
        entries.append(entry)
    around = encode(bare, True) if adds else []
    long = {}
    everything = {"sweep": corpus.sweep(), "neighbours": corpus.neighbours(), **corpus.long_texts()}
    for name, text in everything.items():
        ids = encode(text, False)
        long[name] = {"count": len(ids), "fnv": fnv(ids)}
    return {"bare": bare, "around": around, "long": long, "cases": entries}


def broken(decode, size):
    """Ids in no sensible order: what becomes of bytes that are no characters."""
    sequences = [
        [(i * 37 + j * j * 11) % size for j in range(24)] for i in range(24)]
    return [{"ids": ids, "decoded": decode(ids, False)} for ids in sequences]


def write(name, value):
    path = HERE / name
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.stat().st_size:>9} {name}", flush=True)


def trained(names, anew):
    specials = {
        "gpt2": ["<|endoftext|>"], "llama3": ["<|begin_of_text|>", "<|eot_id|>"],
        "qwen2": ["<|im_start|>", "<tool_call>"], "smollm": ["<|im_start|>"], "tekken": ["[INST]"],
        "o200k": [], "llama2": ["<s>"], "mistral": ["[INST]", "</s>"], "metaspace": ["</s>"],
        "flags": ["<mask>", "<right>", "<both>", "word", "e\u0301t\u00e9", "\u00e9te\u0301", "lori", "lorikeets"],
    }
    for make in [gpt2, llama3, qwen2, smollm, tekken, o200k, llama2, mistral, metaspace, flags]:
        name = make.__name__
        if names and name not in names:
            continue
        tokenizer, config = make()
        kept = HERE / f"{name}.json"
        if kept.exists() and not anew:
            tokenizer = Tokenizer.from_file(str(kept))
            text = json.loads(kept.read_text(encoding="utf-8"))
        else:
            text = json.loads(tokenizer.to_str())
            if name in ("gpt2", "llama2"):  # the older spelling of merges
                text["model"]["merges"] = [" ".join(pair) for pair in text["model"]["merges"]]
            write(kept.name, text)
        if config:
            write(f"{name}.config.json", config)
        if config and "add_eos_token" in config:
            pieces = (["<s>"] if config["add_bos_token"] else []) + ["$A"]
            pieces += ["</s>"] if config["add_eos_token"] else []
            tokenizer.post_processor = processors.TemplateProcessing(
                single=" ".join(pieces), special_tokens=[("<s>", 1), ("</s>", 2)])

        def encode(text, add):
            return tokenizer.encode(text, add_special_tokens=add).ids

        def decode(ids, skip):
            return tokenizer.decode(ids, skip_special_tokens=skip)

        cases = golden(encode, decode, corpus.cases(specials[name]), "Hello world")
        cases["broken"] = broken(decode, tokenizer.get_vocab_size())
        write(f"{name}.cases.json", cases)
        pre = {"gpt2": "gpt-2", "llama3": "llama-bpe", "qwen2": "qwen2", "smollm": "smollm", "tekken": "tekken"}
        if name in pre:
            write(f"{name}.gguf.json", gguf_fields(text, pre[name], config or {}))


def gguf_fields(text, pre, config):
    """The fields that a GGUF file would hold for a byte-level tokenizer.json."""
    size = len(text["model"]["vocab"])
    added = {token["id"]: token for token in text["added_tokens"]}
    tokens = [None] * max(size, max(added) + 1)
    for token, index in text["model"]["vocab"].items():
        tokens[index] = token
    types = [1] * len(tokens)
    for index, token in added.items():
        tokens[index] = token["content"]
        types[index] = 3 if token["special"] else 4
    fields = {"model": "gpt2", "pre": pre, "tokens": tokens, "tokenTypes": types}
    fields["merges"] = [
        merge if isinstance(merge, str) else " ".join(merge) for merge in text["model"]["merges"]]
    for name in ["bos", "eos"]:
        token = config.get(f"{name}_token")
        token = token["content"] if isinstance(token, dict) else token
        if token:
            fields[name] = tokens.index(token)
    return fields


def sentencepiece_fixture():
    """SentencePiece itself, trained with Llama's settings; its fields as a GGUF file holds them."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"{folder}/model"
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([line for text in corpus.CORPUS for line in text.splitlines()]),
            model_prefix=prefix, model_type="bpe", vocab_size=1000, byte_fallback=True,
            character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False,
            add_dummy_prefix=True, split_digits=True, allow_whitespace_only_pieces=True,
            num_threads=1, minloglevel=2)
        processor = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
    size = processor.get_piece_size()
    types = []
    for index in range(size):
        types.append(
            2 if processor.is_unknown(index) else 3 if processor.is_control(index)
            else 6 if processor.is_byte(index) else 5 if processor.is_unused(index) else 1)
    write("sentencepiece.gguf.json", {
        "model": "llama", "tokens": [processor.id_to_piece(index) for index in range(size)],
        "tokenTypes": types, "scores": [processor.get_score(index) for index in range(size)],
        "unk": processor.unk_id(), "bos": processor.bos_id(), "eos": processor.eos_id()})
    # SentencePiece reads a zero byte as the end, and "▁" in a text as a space when it decodes.
    texts = [text for text in corpus.cases([]) if "\0" not in text]
    entries = [{"text": text, "ids": processor.encode(text)} for text in dict.fromkeys(texts)]
    long = {}
    for name, text in corpus.long_texts().items():
        ids = processor.encode(text)
        long[name] = {"count": len(ids), "fnv": fnv(ids)}
    write("sentencepiece.cases.json", {"cases": entries, "long": long})


def smollm2(path):
    """The real vocabulary, read from the GGUF file, with the digits apart."""
    import gguf

    reader = gguf.GGUFReader(path)

    def values(name):
        return reader.fields[f"tokenizer.ggml.{name}"].contents()

    assert values("pre") == "smollm"
    tokens, types = values("tokens"), values("token_type")
    tokenizer = Tokenizer(models.BPE(
        vocab={token: index for index, token in enumerate(tokens)},
        merges=[tuple(merge.split(" ")) for merge in values("merges")]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([token for token, kind in zip(tokens, types) if kind == 3])

    def encode(text, add):
        return tokenizer.encode(text, add_special_tokens=add).ids

    def decode(ids, skip):
        return tokenizer.decode(ids, skip_special_tokens=skip)

    chat = ("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
            "<|im_end|>\n<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n")
    assert len(encode(chat, False)) == 37
    cases = golden(encode, decode, [chat] + corpus.cases(["<|im_start|>"]), "In 2024")
    cases["broken"] = broken(decode, len(tokens))
    write("smollm2.json", cases)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to make; all of them by default")
    parser.add_argument("--train", action="store_true", help="train new vocabularies")
    parser.add_argument("--model", help="SmolLM2's GGUF file, for smollm2.json")
    arguments = parser.parse_args()
    trained(arguments.names, arguments.train)
    if not arguments.names or "sentencepiece" in arguments.names:
        sentencepiece_fixture()
    if arguments.model and (not arguments.names or "smollm2" in arguments.names):
        smollm2(arguments.model)
