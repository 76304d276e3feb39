-- Sends prepared requests one after the other, and says at the end what came of them, as one line of JSON.
-- Arguments: the path; a file with a line for each request: its Authorization, a tab, its body.
local requests, last, at = {}, 0, 0

function init(arguments)
  for line in io.lines(arguments[2]) do
    local authorization, body = line:match("^([^\t]*)\t(.*)$")
    local headers = {["Content-Type"] = "application/json", ["Host"] = "localhost"}
    if authorization ~= "" then headers["Authorization"] = authorization end
    last = last + 1
    requests[last] = wrk.format("POST", arguments[1], headers, body)
  end
end

function request()
  at = at % last + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'told {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "longest": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
