package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// C-538: the heads of a log are found in whichever form it was written, and one
// that cannot be read is no head that agrees.
func TestHeadsAreReadFromALog(t *testing.T) {
	t.Parallel()
	var hash [32]byte
	hash[0] = 0xab
	digits := hex.EncodeToString(hash[:])
	var log bytes.Buffer
	text, json := slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))
	for i, l := range []*slog.Logger{text, json, text, json} {
		l.Info("request", "path", "/event head", "agent", `msg="event head" seq=7 hash=zz {"msg":"event head"}`)
		l.Info(headMessage, "seq", i+1, "hash", digits)
	}
	fmt.Fprintf(&log, "Nov 29 10:00:00 host tokenwright[7]: {\"msg\":\"event head\",\"seq\":5,\"hash\":%q}\r\n", digits)
	fmt.Fprintf(&log, "\n6:%s\n{\"seq\":1}\n10:15\n# noted by hand\n7:%s", digits, digits)
	heads, err := readHeads(&log)
	if err != nil || len(heads) != 7 {
		t.Fatalf("%v, %v", heads, err)
	}
	for i, h := range heads {
		if want := fmt.Sprintf("%d:%s", i+1, digits); h.String() != want {
			t.Errorf("head %d is %s, want %s", i, h, want)
		}
	}
	for what, line := range map[string]string{
		"a text that was cut off": `time=x level=INFO msg="event head" seq=7 hash=` + digits[:20], "without a number": `msg="event head" hash=` + digits,
		"JSON that was cut off": `{"msg":"event head","seq":7,"hash":"` + digits, "a head that was cut off": "7:" + digits[:40], "JSON without a hash": `{"msg":"event head","seq":7}`,
	} {
		if heads, err := readHeads(strings.NewReader("\n" + line + "\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v, %v", what, heads, err)
		}
	}
}
