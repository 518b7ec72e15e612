package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/tokenwright/tokenwright/test/evidence"
)

// Result is what is kept of a case.
type Result struct {
	Case     string             `json:"case"`
	Pass     bool               `json:"pass"`
	Lost     int                `json:"lost"`   // acknowledged changes
	Wrong    int                `json:"wrong"`  // answers
	Failed   int                `json:"failed"` // requests
	Figures  []evidence.Written `json:"figures"`
	Tests    []ran              `json:"tests"`
	Searched searched           `json:"searched"` // for secrets, afterwards
	Time     float64            `json:"time"`     // the part of the rule's time that loads lasted
	Commit   string             `json:"commit"`
	Date     string             `json:"date"`
	Machine  string             `json:"machine"`
}

// ran is a test.
type ran struct {
	Package string  `json:"package"`
	Name    string  `json:"name"`
	Pass    bool    `json:"pass"`
	Seconds float64 `json:"seconds"`
}

// result sums up what the tests of a case have shown. A test that was skipped has not
// passed.
func (c provable) result(done map[test]outcome) Result {
	r := Result{Case: c.rule, Pass: len(c.tests) > 0}
	runs := map[*searched]bool{}
	for _, t := range c.tests {
		o := done[t]
		r.Pass = r.Pass && o.passed
		r.Tests = append(r.Tests, ran{t.dir, t.name, o.passed, o.seconds})
		for _, row := range o.rows {
			if row.Rule == c.rule {
				r.Figures = append(r.Figures, row)
				r.Lost, r.Wrong, r.Failed = r.Lost+row.Lost, r.Wrong+row.Wrong, r.Failed+row.Failed
			}
		}
		if s := o.searched; s != nil && !runs[s] {
			runs[s] = true
			r.Searched = searched{r.Searched.Files + s.Files, r.Searched.Secrets + s.Secrets, r.Searched.Forms + s.Forms}
		}
	}
	r.Pass = r.Pass && r.Lost+r.Wrong+r.Failed == 0
	return r
}

func (r repository) resultPath(rule string) string {
	return r.path("test", "proof", "results", rule+".json")
}

// keep writes a result in the place of the one before.
func (r repository) keep(result Result) error {
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.resultPath(result.Case), append(text, '\n'), 0o644)
}

// kept is the result of a rule, nil where there is none.
func (r repository) kept(rule string) (*Result, error) {
	text, err := os.ReadFile(r.resultPath(rule))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var result Result
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, fmt.Errorf("%s: %w", r.resultPath(rule), err)
	}
	return &result, nil
}

// commit names the sources that are proved; the results of before are none of them.
func (r repository) commit(ctx context.Context) (string, error) {
	git := func(args ...string) (string, error) {
		c := exec.CommandContext(ctx, "git", args...)
		c.Dir = r.root
		out, err := c.Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	head, err := git("rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	changes, err := git("status", "--porcelain", "--", ".", ":(exclude)test/proof/results", ":(exclude)internal/docs/content/"+page)
	if err != nil {
		return "", err
	}
	if changes != "" {
		head += " with changes"
	}
	return head, nil
}

func machine() string {
	name := "a processor of unknown name"
	text, _ := os.ReadFile("/proc/cpuinfo") // there is none elsewhere
	for line := range strings.Lines(string(text)) {
		if what, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(what) == "model name" {
			name = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%s/%s with %d cores (%s)", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), name)
}
