-- wrk's requests: short chats, the base and both adapters in turn. At the end the counts, as JSON.
local models = {"smollm2-135m-instruct", "acme/support", "zoo/mood"}
local count = 0

request = function()
  count = count + 1
  local body = string.format(
    '{"model": "%s", "max_tokens": 4, "temperature": 0, "messages": [{"role": "user", "content": "Customer %d asks: are you open?"}]}',
    models[count % #models + 1], count)
  return wrk.format("POST", "/v1/chat/completions", {["Content-Type"] = "application/json"}, body)
end

done = function(summary)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
