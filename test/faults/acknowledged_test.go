package faults

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// acknowledgement is one line of the log of what the product has said is done.
// Once it has, that holds for ever.
type acknowledgement struct {
	Created string `json:"created,omitempty"` // client ID
	Secret  string `json:"secret,omitempty"`  // of what was created; "" where its answer was cut off
	Deleted string `json:"deleted,omitempty"` // client ID
}

// log is the file of acknowledgements, which no process of the product knows.
type log struct {
	mu   sync.Mutex
	path string
}

func newLog(t *testing.T) *log {
	t.Helper()
	return &log{path: filepath.Join(t.TempDir(), "acknowledged")}
}

// add is called when the whole answer was read, not before.
func (l *log) add(t *testing.T, a acknowledgement) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	line, err := json.Marshal(a)
	if err != nil {
		t.Error(err)
		return
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Error(err)
	}
}

// promised is what must be true of one API key.
type promised struct {
	id, secret string
	deleted    bool
}

// read returns what must be true of every API key in the log.
func (l *log) read(t *testing.T) []promised {
	t.Helper()
	text, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	var keys []promised
	place := map[string]int{}
	for line := range bytes.Lines(text) {
		var a acknowledgement
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if a.Created != "" {
			place[a.Created] = len(keys)
			keys = append(keys, promised{id: a.Created, secret: a.Secret})
		} else {
			keys[place[a.Deleted]].deleted = true
		}
	}
	return keys
}
