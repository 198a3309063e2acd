"""The peers' model in other GGUF formats, made once by llama.cpp from the Q4_1 file into .build/peers of the repository."""

import logging
import pathlib

import peer_support

FOLDER = pathlib.Path(__file__).resolve().parents[2] / ".build" / "peers"
FORMATS = ["Q4_1", "Q4_0", "Q4_K_M", "Q5_K_M", "Q8_0", "BF16"]  # the first is the file's that there is

logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)  # else it tells of every tensor


def gguf_file(format):
    """The path of the model's file in `format`. Its values are those of the Q4_1 file, rounded once more: good for speed alone."""
    given = peer_support.smollm2.gguf_path()
    path = FOLDER / given.name.replace(FORMATS[0], format)
    if format == FORMATS[0]:
        return given
    if path.is_file():
        return path
    import llama_cpp
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{format}")
    settings.allow_requantize, settings.nthread = True, peer_support.THREADS
    FOLDER.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    if llama_cpp.llama_model_quantize(str(given).encode(), str(part).encode(), settings) != 0:
        raise SystemExit(f"llama.cpp cannot make {path} from {given}")
    part.rename(path)
    return path
