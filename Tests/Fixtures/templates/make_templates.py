#!/usr/bin/env python3
"""What transformers' own Jinja environment makes of templates.

Usage: make_templates.py [--gguf SmolLM2.gguf] [OUTPUT_FOLDER]      (default: the folder of this script)
Versions: ../goldens-requirements.txt (transformers 5.23.0, jinja2 3.1.6, gguf 0.19.0).

Reads:   *.jinja           templates of the kinds that checkpoints carry, written for these tests
         expressions.txt   small templates, one a block, between lines of `===`
Writes:  expressions.json  {"context", "cases": [{"template", "output"} or {"template", "error"}]}
         conversations.json {"now", "conversations", "cases": [{"template", "conversation", "prompt", "variables", "output" or "error"}]}
         smollm2.json      the same for the template inside SmolLM2's GGUF (with --gguf); the template itself is not kept

An "error" is what Jinja said, for people: the tests ask only that the template is refused. The clock stands at `now`, in UTC.
"""

import argparse
import datetime
import json
import os
import pathlib
import time
import warnings

os.environ["TZ"] = "UTC"
time.tzset()
warnings.simplefilter("ignore")

from transformers.utils import chat_template_utils  # noqa: E402

NOW = 1732222222.5


class StandingClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


chat_template_utils.datetime = StandingClock

CONTEXT = {
    "messages": [
        {"role": "user", "content": "Hi <b> & 'you'"},
        {"role": "assistant", "content": "Yes.\n Two lines", "n": 3},
        {"role": "tool", "content": None, "deep": {"list": [1, [2, {"x": "y"}]]}},
    ],
    "d": {"b": 2, "a": 1, "C": [1, 2.5, None, True]},
    "s": "Hello Wörld e\u0301 x",
    "l": [3, 1, 2],
    "n": 7,
    "f": 2.5,
    "e": "",
    "none": None,
    "t": True,
    "emoji": "a\U0001f600日é",
}


def user(content, **fields):
    return {"role": "user", "content": content, **fields}


def assistant(content, **fields):
    return {"role": "assistant", "content": content, **fields}


def system(content):
    return {"role": "system", "content": content}


def call(arguments, identifier="abcdef123"):
    return [{"type": "function", "id": identifier, "function": {"name": "weather", "arguments": arguments}}]


def result(content):
    return {"role": "tool", "name": "weather", "tool_call_id": "abcdef123", "content": content}


TOOLS = [
    {"type": "function", "function": {
        "name": "weather", "description": "The <current> weather & more",
        "parameters": {"type": "object", "properties": {
            "place": {"type": "string", "description": "a town, e.g. Zürich"},
            "unit": {"type": "string", "enum": ["c", "f"]},
            "days": {"type": "array", "items": {"type": "integer"}},
            "options": {"type": "object", "properties": {"long": {"type": "boolean"}}, "required": ["long"]},
        }, "required": ["place"]},
        "return": {"type": "string"}}},
    {"type": "function", "function": {"name": "nothing", "description": "Does nothing.",
                                      "parameters": {"type": "object", "properties": {}}}},
]

CONVERSATIONS = {
    "one": [user("What is the capital of France?")],
    "several": [system("You are a kind parrot. 🦜"), user("  Hi \n"), assistant(" Hello! \n\n"), user("Und “jetzt”?")],
    "turns": [user("a"), assistant("b"), user("c"), assistant("d")],
    "thinking": [user("a"), assistant("<think>\nhm\n</think>\n\nb"), user("c"), assistant("<think>x</think>d")],
    "reasoning": [user("q"), assistant("an answer", reasoning_content="because"), user("r"), assistant("s", thinking="why")],
    "tools": [system("sys"), user("Weather?"), assistant("", tool_calls=call({"place": "Zürich", "days": [1, 2]})),
              result("{\"t\": 5}"), assistant("5 degrees"), user("thanks")],
    "two results": [user("Weather?"), assistant(None, tool_calls=call({"place": "Paris"})), result("22"), result("23")],
    "wrong id": [user("Weather?"), assistant(None, tool_calls=call({}, "short"))],
    "parts": [user([{"type": "text", "text": "one "}, {"type": "image"}, {"type": "text", "text": "two"}], name="Eve")],
    "unknown part": [user([{"type": "sound"}])],
    "system only": [system("only")],
    "out of turn": [user("a"), user("b")],
    "others": [user("a"), {"role": "skip", "content": "no"}, assistant("b"), {"role": "stop", "content": ""}, user("c")],
    "nobody": [],
}

DOCUMENTS = [{"title": "zebra", "text": "Stripes, many of them"}, {"title": "Ant", "text": "small"}, {"title": "empty"}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
VARIABLES = [
    TOKENS,
    {**TOKENS, "tools": TOOLS},
    {**TOKENS, "tools": TOOLS, "tools_first": False, "date_string": "26 Jul 2024", "enable_thinking": False,
     "documents": DOCUMENTS},
]


def outcome(render):
    try:
        return {"output": render()}
    except Exception as error:  # noqa: BLE001 - whatever Jinja or Python says is a refusal
        return {"error": f"{type(error).__name__}: {error}"[:120]}


def expressions(folder):
    cases = []
    for template in (folder / "expressions.txt").read_text().removesuffix("\n").split("\n===\n"):
        def render():
            compiled = chat_template_utils._compile_jinja_template(template)
            return compiled.render(**json.loads(json.dumps(CONTEXT)))
        cases.append({"template": template, **outcome(render)})
    return {"now": NOW, "context": CONTEXT, "cases": cases}


def conversations(templates, variables):
    cases = []
    for name, template in templates.items():
        for title, messages in CONVERSATIONS.items():
            for prompt in (False, True):
                for index, values in enumerate(variables):
                    def render():
                        return chat_template_utils.render_jinja_template(
                            [messages], chat_template=template, add_generation_prompt=prompt, **values)[0][0]
                    cases.append({"template": name, "conversation": title, "prompt": prompt, "variables": index,
                                  **outcome(render)})
    return {"now": NOW, "conversations": CONVERSATIONS, "variables": variables, "cases": cases}


def gguf_template(path):
    from gguf import GGUFReader
    return GGUFReader(path).fields["tokenizer.chat_template"].contents()


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf")
    parser.add_argument("folder", nargs="?", default=pathlib.Path(__file__).parent, type=pathlib.Path)
    arguments = parser.parse_args()
    here = pathlib.Path(__file__).parent
    write(arguments.folder / "expressions.json", expressions(here))
    templates = {path.stem: path.read_text() for path in sorted(here.glob("*.jinja"))}
    write(arguments.folder / "conversations.json", conversations(templates, VARIABLES))
    if arguments.gguf:
        tokens = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
        write(arguments.folder / "smollm2.json", conversations({"smollm2": gguf_template(arguments.gguf)}, [tokens]))


if __name__ == "__main__":
    main()
