#!/usr/bin/env python3
"""Compares goldens made again with those that are kept: check_goldens.py KEPT_FOLDER NEW_FOLDER

Every file of NEW_FOLDER must stand in KEPT_FOLDER with the same content. Fractional numbers in .json and .safetensors may differ by
1e-3 relative or 1e-4 of the list's (tensor's) largest magnitude, since another CPU adds in another order; everything else, ids, texts
and shapes, must be equal. Exit code 1 and one line a difference.
"""

import json
import math
import pathlib
import sys

RELATIVE, OF_LARGEST = 1e-3, 1e-4
IGNORED = {"versions", "margin", "transformers_version", "peft_version"}


def close(a, b, largest):
    return a == b or math.isclose(a, b, rel_tol=RELATIVE, abs_tol=OF_LARGEST * largest)


def json_difference(kept, new, path=""):
    """Where the first difference is and what it is, or None."""
    if isinstance(kept, dict) and isinstance(new, dict):
        if set(kept) != set(new):
            return f"{path}: keys differ: {sorted(set(kept) ^ set(new))}"
        return next((d for k in kept if k not in IGNORED for d in [json_difference(kept[k], new[k], f"{path}/{k}")] if d), None)
    if isinstance(kept, list) and isinstance(new, list):
        if len(kept) != len(new):
            return f"{path}: {len(kept)} entries kept, {len(new)} new"
        if kept and all(isinstance(v, float) for v in kept) and all(isinstance(v, float) for v in new):
            largest = max(map(abs, kept))
            bad = next((i for i, (a, b) in enumerate(zip(kept, new)) if not close(a, b, largest)), None)
            return None if bad is None else f"{path}/{bad}: kept {kept[bad]}, new {new[bad]}"
        return next((d for i, (a, b) in enumerate(zip(kept, new)) for d in [json_difference(a, b, f"{path}/{i}")] if d), None)
    if isinstance(kept, float) and isinstance(new, float):
        return None if close(kept, new, 0) else f"{path}: kept {kept}, new {new}"
    return None if type(kept) is type(new) and kept == new else f"{path}: kept {str(kept)[:80]!r}, new {str(new)[:80]!r}"


def tensors_difference(kept, new):
    import torch
    from safetensors.torch import load_file
    kept, new = load_file(kept), load_file(new)
    if set(kept) != set(new):
        return f"tensors differ: {sorted(set(kept) ^ set(new))}"
    for name, a in kept.items():
        b = new[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{name}: kept {a.dtype} {tuple(a.shape)}, new {b.dtype} {tuple(b.shape)}"
        a, b = a.double(), b.double()
        if a.numel() == 0:
            continue
        off = ~((a - b).abs() <= RELATIVE * a.abs() + OF_LARGEST * a.abs().max())  # a NaN is off, too
        if off.any():
            at = torch.nonzero(off)[0].tolist()
            return f"{name}{at}: kept {float(a[tuple(at)])}, new {float(b[tuple(at)])}"
    return None


def difference(kept, new):
    if not kept.is_file():
        return "is made, but not kept"
    if kept.read_bytes() == new.read_bytes():
        return None
    if kept.suffix == ".safetensors":
        return tensors_difference(kept, new)
    if kept.suffix == ".json":
        return json_difference(json.loads(kept.read_text()), json.loads(new.read_text()))
    if kept.suffix == ".jsonl":
        return json_difference(*([json.loads(line) for line in f.read_text().splitlines()] for f in (kept, new)))
    return "bytes differ"


def main():
    kept, new = map(pathlib.Path, sys.argv[1:3])
    files = sorted(f for f in new.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    if not files:
        raise SystemExit(f"{new} holds no files")
    found = [(f.relative_to(new), difference(kept / f.relative_to(new), f)) for f in files]
    for name, what in found:
        if what:
            print(f"{kept / name}: {what}")
    bad = sum(1 for _, what in found if what)
    print(f"{kept}: {len(files) - bad} of {len(files)} files agree")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
