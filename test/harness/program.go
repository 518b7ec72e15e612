package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Program is a program that runs beside a test.
type Program struct {
	Process *exec.Cmd
	Log     string // path of the file with what it says
	Ended   chan struct{}
}

// Background starts a program whose log, of that name, is among what an
// installation leaves behind. It ends with the test.
func (in *Installation) Background(t testing.TB, name string, c *exec.Cmd) *Program {
	t.Helper()
	log, err := os.Create(filepath.Join(filepath.Dir(in.Data), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	p := &Program{Process: c, Log: log.Name(), Ended: make(chan struct{})}
	p.Process.Stdout, p.Process.Stderr = log, log
	dieWithParent(p.Process)
	if err := p.Process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.Ended)
		_ = p.Process.Wait() // how it ends does not matter
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the last of the log of %s:\n%s", name, p.LastLog())
		}
	})
	return p
}

// Kill ends the program, if it has not ended.
func (p *Program) Kill() {
	_ = p.Process.Process.Kill() // an error says that it has ended
	<-p.Ended
}

// Running tells whether the program has not ended.
func (p *Program) Running() bool {
	select {
	case <-p.Ended:
		return false
	default:
		return true
	}
}

// LastLog is what to show of the log where a test has failed.
func (p *Program) LastLog() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return lastLines(string(text))
}

// FindProgram returns the path of a program, which must be installed.
func FindProgram(t testing.TB, name string) string {
	t.Helper()
	return program(t, name)
}

// File returns the path of a file of the repository.
func File(path ...string) string { return filepath.Join(append([]string{run.root}, path...)...) }

// ReadFile returns the text of a file of the repository.
func ReadFile(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(File(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Example returns the path of a file below examples.
func Example(path ...string) string { return File(append([]string{"examples"}, path...)...) }

// ReadExample returns the text of a file below examples, with texts of the test in
// the place of its own; each must be there, as often as its number says.
func ReadExample(t testing.TB, path string, replacements ...Replacement) string {
	t.Helper()
	text, err := os.ReadFile(Example(filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	example := string(text)
	for _, r := range replacements {
		if n := strings.Count(example, r.Old); n != r.Times {
			t.Fatalf("the example %s has %q %d times, not %d", path, r.Old, n, r.Times)
		}
		example = strings.ReplaceAll(example, r.Old, r.New)
	}
	return example
}

// Replacement is what takes the place of a text that is somewhere so many times.
type Replacement struct {
	Old, New string
	Times    int
}
