package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-540: whatever a replay leaves to do, the answer says how.
func TestWhatAReplayLeavesHasAdvice(t *testing.T) {
	kinds := []authority.EventKind{
		authority.APIKeyCreated, authority.SecretRotated, authority.UserCreated, authority.UserReset, authority.UserCredentialsChanged, authority.UserUpdated,
	}
	var done authority.Restored
	for _, kind := range kinds {
		done.Unfinished = append(done.Unfinished, authority.Unfinished{Kind: kind, Subject: "the_subject"})
	}
	var out bytes.Buffer
	a := &app{stdout: &out, output: "json"}
	if err := a.printRestored(&done, &authority.Restoration{}, ""); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Unfinished []restoredThing `json:"unfinished"`
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	for i, kind := range kinds {
		if advice := said.Unfinished[i].Advice; !strings.Contains(advice, "tokenwright ") || strings.Contains(advice, "%") {
			t.Errorf("the advice for %s is %q", kind, advice)
		}
	}
}
