#!/usr/bin/env python3
"""The `openai` package against a `lorikeet serve`: what it sends is understood, and what it is sent it understands.

Usage: openai_client.py [CHECK...] (run.sh calls it in the environment of requirements.txt; without a name, all of them)
Prints a line for each check, `N passed, 0 failed` at the end; stops at the first that fails.
"""

import asyncio
import inspect
import re
import sys
import time

import openai
import server

BASE, SUPPORT, MOOD = server.BASE, "acme/support", "zoo/mood"
PROMPT = "Name three things that one finds in a shop."
# The base's end of a message. An answer that may not end lasts as long as it is let.
ENDLESS = {"2": -100, "0": -100}


def until(what, holds, seconds=20):
    """Looks again and again until `holds`; the bound is only there so that a failure ends."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"after {seconds} seconds it still is not so that {what}"
        time.sleep(0.05)


class Checks:
    """One method a check, in their order; each says with its docstring what holds."""

    def __init__(self, lorikeet, address):
        self.lorikeet = lorikeet
        self.address = address
        self.client = self.with_key("none")

    def with_key(self, key):
        return openai.OpenAI(base_url=f"{self.address}/v1", api_key=key, max_retries=0, timeout=60)

    def chat(self, model, prompt=PROMPT, client=None, **options):
        options = {"max_tokens": 24, "temperature": 0, **options}
        return (client or self.client).chat.completions.create(
            model=model, messages=[{"role": "user", "content": prompt}], **options)

    def text(self, model, **options):
        return self.chat(model, **options).choices[0].message.content

    def metric(self, name):
        found = re.search(rf"^{name} (\S+)$", self.client.get("/../metrics", cast_to=str), re.M)
        assert found, f"/metrics has no {name}"
        return float(found[1])

    # ---- answers ----

    def check_models(self):
        """models.list and models.retrieve tell of the base and the adapters"""
        models = {model.id: model for model in self.client.models.list()}
        assert set(models) == {BASE, SUPPORT, MOOD}, models
        assert models[SUPPORT].parent == BASE, models[SUPPORT]
        assert self.client.models.retrieve(BASE).object == "model"

    def check_chat(self):
        """a chat is answered by the version that its model names, and says which"""
        raw = self.client.chat.completions.with_raw_response.create(
            model=SUPPORT, messages=[{"role": "user", "content": PROMPT}], max_tokens=24, temperature=0)
        answer = raw.parse()
        assert answer.model == "acme/support@1" == raw.headers["x-adapter-version"], answer
        assert answer.choices[0].message.role == "assistant" and answer.choices[0].message.content, answer
        assert answer.id.startswith("chatcmpl-") and answer.object == "chat.completion", answer
        usage = answer.usage
        assert usage.prompt_tokens > 10 and 0 < usage.completion_tokens <= 24, usage
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage

    def check_models_differ(self):
        """the base, two adapters, and two versions of one of them give different answers"""
        names = [BASE, SUPPORT, "acme/support@2", MOOD]
        answers = [self.text(name) for name in names]
        assert len(set(answers)) == len(names), answers
        assert answers[1] == self.text("acme/support@1") == self.text("acme/support:production")

    def check_stream(self):
        """the deltas of a stream, joined, are the whole answer"""
        for model in [BASE, SUPPORT]:
            chunks = list(self.chat(model, stream=True))
            assert chunks[0].choices[0].delta.role == "assistant", chunks[0]
            assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
            assert len({chunk.id for chunk in chunks}) == 1
            joined = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            assert joined == self.text(model), joined
            assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "length"], chunks[-2:]
            assert all(chunk.usage is None for chunk in chunks)

    def check_stream_usage(self):
        """stream_options brings the usage as the last piece"""
        *rest, last = self.chat(SUPPORT, stream=True, stream_options={"include_usage": True})
        assert last.choices == [] and last.usage.completion_tokens == 24, last
        assert all(chunk.usage is None for chunk in rest)

    def check_stream_helper(self):
        """the package's own helper for streams gathers the same answer"""
        with self.client.chat.completions.stream(
            model=SUPPORT, messages=[{"role": "user", "content": PROMPT}], max_tokens=24, temperature=0,
        ) as stream:
            for _ in stream:
                pass
            whole = stream.current_completion_snapshot
        assert whole.choices[0].message.content == self.text(SUPPORT), whole

    def check_async(self):
        """sixteen requests at once over base and adapters are answered as each alone"""
        work = [(model, f"{PROMPT} Number {number}.") for number in range(4)
                for model in [BASE, SUPPORT, "acme/support@2", MOOD]]
        alone = [self.text(model, prompt=prompt) for model, prompt in work]

        async def ask(client, model, prompt):
            answer = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": prompt}], max_tokens=24, temperature=0)
            return answer.choices[0].message.content

        async def together():
            async with openai.AsyncOpenAI(base_url=f"{self.address}/v1", api_key="none", max_retries=0) as client:
                return await asyncio.gather(*(ask(client, *item) for item in work))

        for item, one, shared in zip(work, alone, asyncio.run(together())):
            assert one == shared, f"{item}: alone {one!r}, in company {shared!r}"

    def check_async_stream(self):
        """an async stream over each model at once gives what each gives alone"""
        models = [BASE, SUPPORT, MOOD]

        async def gather(client, model):
            stream = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": PROMPT}], max_tokens=24, temperature=0, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        async def together():
            async with openai.AsyncOpenAI(base_url=f"{self.address}/v1", api_key="none", max_retries=0) as client:
                return await asyncio.gather(*(gather(client, model) for model in models))

        assert asyncio.run(together()) == [self.text(model) for model in models]

    def check_logprobs(self):
        """logprobs tell each token with its alternatives, the likeliest first"""
        choice = self.chat(SUPPORT, logprobs=True, top_logprobs=3).choices[0]
        tokens = choice.logprobs.content
        assert b"".join(bytes(token.bytes) for token in tokens).decode(errors="replace") == choice.message.content
        for token in tokens:
            values = [top.logprob for top in token.top_logprobs]
            assert len(values) == 3 and values == sorted(values, reverse=True) and values[0] <= 0, token
            assert token.logprob == values[0] and token.token == token.top_logprobs[0].token, token

    def check_many(self):
        """n gives that many answers, different ones where they are drawn"""
        answer = self.chat(BASE, n=4, temperature=1, seed=7)
        assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
        assert len({choice.message.content for choice in answer.choices}) > 1
        chunks = self.chat(BASE, n=4, temperature=1, seed=7, stream=True)
        texts = ["", "", "", ""]
        for chunk in chunks:
            texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        assert texts == [choice.message.content for choice in answer.choices], texts

    def check_seed(self):
        """the same seed draws the same answer, another one another"""
        first, again, other = (self.text(MOOD, temperature=1, seed=seed) for seed in [1, 1, 2])
        assert first == again != other, (first, again, other)

    def check_stop(self):
        """a stop text ends an answer before it"""
        whole = self.text(BASE)
        word = whole.split()[3]
        choice = self.chat(BASE, stop=[word]).choices[0]
        assert choice.message.content == whole[: whole.index(word)] and choice.finish_reason == "stop", choice

    def check_text_completions(self):
        """text completions take one prompt, several, and tokens"""
        options = {"model": BASE, "max_tokens": 12, "temperature": 0}
        one = self.client.completions.create(prompt="The sky is", **options)
        assert one.object == "text_completion" and one.choices[0].text, one
        two = self.client.completions.create(prompt=["The sky is", "The sea is"], **options)
        assert two.choices[0].text == one.choices[0].text != two.choices[1].text, two
        tokens = self.client.post("/../tokenize", body={"prompt": "The sky is"}, cast_to=object)["tokens"]
        same = self.client.completions.create(prompt=tokens, logprobs=2, **options)
        assert same.choices[0].text == one.choices[0].text, same
        assert "".join(same.choices[0].logprobs.tokens) == one.choices[0].text, same
        stream = self.client.completions.create(prompt="The sky is", stream=True, **options)
        assert "".join(chunk.choices[0].text for chunk in stream) == one.choices[0].text

    # ---- refusals ----

    def refused(self, kind, act):
        try:
            act()
        except kind as error:
            assert type(error) is kind, f"{type(error)} instead of {kind}"
            assert error.body["message"], error
            return error
        raise AssertionError(f"no {kind.__name__} was raised")

    def check_not_found(self):
        """an unknown model is a NotFoundError that names the nearest"""
        error = self.refused(openai.NotFoundError, lambda: self.chat("acme/suport"))
        assert error.code == "model_not_found" and error.param == "model", error
        assert "acme/support" in error.body["message"], error
        self.refused(openai.NotFoundError, lambda: self.chat("acme/support@9"))
        self.refused(openai.NotFoundError, lambda: self.client.models.retrieve("acme/other"))

    def check_bad_request(self):
        """what is wrong or not supported is a BadRequestError with its parameter"""
        tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
        cases = {
            "temperature": {"temperature": -1}, "tools": {"tools": [tool]},
            "n": {"n": 0}, "top_logprobs": {"top_logprobs": 2}, "max_tokens": {"max_tokens": 0},
            "temprature": {"extra_body": {"temprature": 1}},
        }
        for param, options in cases.items():
            error = self.refused(openai.BadRequestError, lambda: self.chat(BASE, **options))
            assert error.param == param, (param, error)
        error = self.refused(openai.BadRequestError, lambda: self.chat(BASE, prompt="word " * 9_000))
        assert error.code == "context_length_exceeded", error
        empty = lambda: self.client.chat.completions.create(model=BASE, messages=[])
        self.refused(openai.BadRequestError, empty)

    # ---- time ----

    def check_cancellation(self):
        """a stream that the client leaves is not made to its end"""
        made = self.metric("lorikeet_generated_tokens_total")
        stream = self.chat(SUPPORT, stream=True, max_tokens=1500, logit_bias=ENDLESS)
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        until("it runs", lambda: self.metric("lorikeet_requests_running") == 1)
        stream.close()
        until("nothing runs", lambda: self.metric("lorikeet_requests_running") == 0)
        made = self.metric("lorikeet_generated_tokens_total") - made
        assert made < 1500, f"all {made} tokens were made"

    def check_swap(self):
        """an alias that another process moves leads to the new version; a stream under way ends on its own"""
        old, new = self.text("acme/support@1"), self.text("acme/support@2")
        stream = self.chat(SUPPORT, stream=True, max_tokens=300, logit_bias=ENDLESS)
        first = next(stream)
        self.lorikeet.run("alias", "acme/support@2", "production")
        until("production answers as version 2", lambda: self.chat(SUPPORT).model == "acme/support@2")
        rest = list(stream)
        assert {chunk.model for chunk in [first, *rest]} == {"acme/support@1"}
        assert self.text(SUPPORT) == new
        self.lorikeet.run("rollback", SUPPORT, "production")
        until("production answers as version 1", lambda: self.chat(SUPPORT).model == "acme/support@1")
        assert self.text(SUPPORT) == old

    # ---- keys ----

    def add_key(self, *words):
        return self.with_key(self.lorikeet.run("key", "add", *words, "--quiet").strip())

    def check_keys(self):
        """once there is a key, others are an AuthenticationError, and stay so; a scope hides what it does not open"""
        acme = self.add_key("acme", "--scope", "acme/*")
        self.refused(openai.AuthenticationError, lambda: self.chat(BASE))
        self.refused(openai.AuthenticationError, lambda: self.client.models.list())
        assert self.text(SUPPORT, client=acme)
        assert [model.id for model in acme.models.list()] == [SUPPORT]
        for name in [BASE, MOOD]:
            error = self.refused(openai.NotFoundError, lambda: self.chat(name, client=acme))
            assert error.code == "model_not_found", error
        error = self.refused(openai.PermissionDeniedError, lambda: acme.models.delete(SUPPORT))
        assert error.code == "admin_only", error
        self.lorikeet.run("key", "revoke", "acme")
        for client in [acme, self.client]:
            self.refused(openai.AuthenticationError, lambda: self.text(SUPPORT, client=client))

    def check_rate_limit(self):
        """a key's limit is a RateLimitError that says when to come again"""
        slow = self.add_key("slow", "--rate", "2/min")
        slow.models.list(), slow.models.list()
        error = self.refused(openai.RateLimitError, lambda: self.chat(BASE, client=slow))
        assert error.code == "rate_limit_exceeded" and 1 <= int(error.response.headers["retry-after"]) <= 60, error
        self.lorikeet.run("key", "revoke", "slow")

    def check_admin(self):
        """an admin's key deletes a version, and the history says who"""
        admin = self.add_key("ops", "--admin")
        assert admin.models.delete("zoo/mood").deleted
        self.refused(openai.NotFoundError, lambda: self.chat(MOOD, client=admin))
        assert "key:ops" in self.lorikeet.run("history", MOOD, "--json")
        self.lorikeet.run("key", "revoke", "ops")

    # ---- the end ----

    def check_drain(self):
        """SIGTERM lets a stream under way finish, takes no more, and ends with 0"""
        client = self.add_key("last")
        stream = self.chat(SUPPORT, stream=True, max_tokens=200, logit_bias=ENDLESS, client=client)
        chunks = [next(stream), next(stream)]
        self.lorikeet.terminate()
        chunks += stream
        assert chunks[-1].choices[0].finish_reason == "length", chunks[-1]
        code = self.lorikeet.wait()
        assert code == 0, f"the server ended with {code}"
        assert not self.answers(client), "something still answers"

    def check_second_signal(self):
        """a second SIGTERM ends a stream with an error, and the server with 0"""
        self.address = self.lorikeet.start()
        client = self.add_key("very-last")
        stream = self.chat(BASE, stream=True, max_tokens=4000, logit_bias=ENDLESS, client=client)
        next(stream)
        self.lorikeet.terminate()
        until("nobody is let in", lambda: not self.answers(client))
        self.lorikeet.terminate()
        try:
            list(stream)
        except openai.APIError as error:
            assert "stopped before the answer was complete" in error.message, error
        else:
            raise AssertionError("the stream ended well")
        code = self.lorikeet.wait()
        assert code == 0, f"the server ended with {code}"

    def answers(self, client):
        """Whether a connection of its own is taken: one that is open already may be served to the end."""
        try:
            self.with_key(client.api_key).models.list()
        except openai.APIConnectionError:
            return False
        return True


NAMES = [name.removeprefix("check_") for name in vars(Checks) if name.startswith("check_")]


def run(lorikeet, address, names):
    """These checks, in the order given."""
    checks = Checks(lorikeet, address)
    for name in names:
        check = getattr(checks, "check_" + name)
        began = time.monotonic()
        try:
            check()
        except Exception:
            print(f"✗ {inspect.getdoc(check)}", flush=True)
            raise
        print(f"✓ {inspect.getdoc(check)} ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    with server.throwaway() as lorikeet:
        names = sys.argv[1:] or NAMES
        run(lorikeet, lorikeet.start(), names)
    print(f"{len(names)} passed, 0 failed")
