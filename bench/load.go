package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// load is one run of wrk: a closed loop over keep-alive connections.
type load struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	Failed   int     `json:"failed"` // answers but 200, and broken connections

	cpu time.Duration // that wrk itself has used
}

// script makes wrk send the bodies in turn, and print what it counted.
const script = `
local bodies = {}
for line in io.lines(%q) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
local requests, next = {}, 0
init = function(args)
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
end
request = function()
  next = next %% #requests + 1
  return requests[next]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%%d,"seconds":%%f,"p50_us":%%f,"p99_us":%%f,"failed":%%d}\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`

// loader sends token requests to one endpoint.
type loader struct{ url, script string }

// newLoader writes the bodies, and the script that sends them, somewhere into
// dir. wrk hands them out one after the other.
func newLoader(dir, url string, bodies []string) (*loader, error) {
	dir, err := os.MkdirTemp(dir, "load-")
	if err != nil {
		return nil, err
	}
	data, lua := filepath.Join(dir, "bodies.txt"), filepath.Join(dir, "wrk.lua")
	if err := os.WriteFile(data, []byte(strings.Join(bodies, "\n")), 0o600); err != nil {
		return nil, err
	}
	return &loader{url, lua}, os.WriteFile(lua, fmt.Appendf(nil, script, data), 0o600)
}

// run loads the endpoint for a time with so many connections. An answer that
// is no token is an error: nothing would have been measured.
func (l *loader) run(ctx context.Context, connections int, d time.Duration) (*load, error) {
	c := exec.CommandContext(ctx, "taskset", "-c", loadCore, "wrk", "-t1", fmt.Sprintf("-c%d", connections),
		fmt.Sprintf("-d%ds", max(1, int(d.Seconds()))), "--timeout", "10s", "-s", l.script, l.url)
	out, err := c.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	result, err := readWrk(string(out))
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", l.url, err)
	}
	result.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return result, nil
}

// readWrk finds what the script has printed behind wrk's own words.
func readWrk(text string) (*load, error) {
	at := strings.LastIndex(text, `{"requests"`)
	var result load
	if at < 0 || json.Unmarshal([]byte(text[at:]), &result) != nil || result.Requests == 0 {
		return nil, fmt.Errorf("wrk printed no result:\n%s", text)
	}
	if result.Failed > 0 {
		return nil, fmt.Errorf("%d of %d requests failed", result.Failed, result.Requests)
	}
	return &result, nil
}
