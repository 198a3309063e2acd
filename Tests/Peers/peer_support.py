"""What the peers' scripts share: the model's loader, the adapter's settings, threads, and the process's peak memory."""

import json
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # transformers on its own next version
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "realbase"))

import smollm2  # noqa: E402, F401  (found through the path above)

THREADS = 2
DTYPES = {"f32": "float32", "bf16": "bfloat16"}  # torch's name
LORA = dict(task_type="CAUSAL_LM", r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear")


def load_model(dtype):
    """The base for PEFT, one of `DTYPES`, with transformers' default attention, the faster one."""
    import torch
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    return smollm2.load_model(getattr(torch, DTYPES[dtype]), attention="sdpa")


def peft_title(dtype):
    """Whom a figure is from."""
    import peft
    import torch
    return f"PEFT {peft.__version__}, PyTorch {torch.__version__.split('+')[0]}, {dtype}"


def forget_peak_memory():
    """Starts the count of peak resident memory again, so that loading is not charged to the work."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def peak_memory():
    """Peak resident bytes since `forget_peak_memory`, as Linux counts them."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def report(name, unit, value, peak, **more):
    """One result as a JSON line, in lorikeet-bench's own shape."""
    print(json.dumps(dict(name=name, unit=unit, value=value, peakBytes=peak, **more)), flush=True)
