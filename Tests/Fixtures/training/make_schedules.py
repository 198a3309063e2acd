#!/usr/bin/env python3
"""Learning-rate factors by transformers' own schedules.

Usage: make_schedules.py [OUTPUT_FOLDER]        (default: this folder)
Versions: ../goldens-requirements.txt (torch 2.15.0, transformers 5.23.0).

schedules.json: a list of {"schedule": "linear" | "cosine" | "constant", "warmup", "total",
"factors": [factor of step 0, 1, ..., total + 2]}.
"""

import json
import pathlib
import sys
import warnings

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

warnings.filterwarnings("ignore")


def factors(kind, warmup, total):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = {
        "linear": lambda: get_linear_schedule_with_warmup(optimizer, warmup, total),
        "cosine": lambda: get_cosine_schedule_with_warmup(optimizer, warmup, total),
        "constant": lambda: get_constant_schedule_with_warmup(optimizer, warmup),
    }[kind]()
    found = []
    for _ in range(total + 3):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
cases = [
    {"schedule": kind, "warmup": warmup, "total": total, "factors": factors(kind, warmup, total)}
    for kind in ("linear", "cosine", "constant")
    for warmup, total in ((10, 30), (0, 7), (1, 5), (5, 5), (9, 4), (0, 1))
]
(folder / "schedules.json").write_text(json.dumps(cases, indent=0) + "\n")
