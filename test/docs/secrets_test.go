package docs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

var (
	clientSecret = regexp.MustCompile(`tws_[a-z][a-z0-9]{0,15}_[0-9A-Za-z]{49}`)
	signedToken  = regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43,}`)
	consoleLink  = regexp.MustCompile(`/console/link\?token=[0-9A-Za-z]{43}`)
)

// noteShown has the search at the end look for the secrets, tokens and links in
// what a page's commands have shown, which are shown once and belong nowhere else.
// It returns the rest.
func noteShown(text []byte) []byte {
	for _, secret := range clientSecret.FindAll(text, -1) {
		harness.NoteSecret(string(secret))
	}
	for _, token := range signedToken.FindAll(text, -1) {
		harness.NoteToken(string(token))
	}
	harness.NoteLinks(string(text))
	for _, shown := range []*regexp.Regexp{clientSecret, signedToken, consoleLink} {
		text = shown.ReplaceAll(text, []byte("(shown)"))
	}
	return text
}

// install gives the reader a program.
func (r *reader) install(t *testing.T, name, script string) {
	t.Helper()
	path := filepath.Join(r.bin, name)
	if err := os.WriteFile(path+".new", []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil { // it may be a link to the real one
		t.Fatal(err)
	}
}

// watch gives the reader a program that there is, and writes down its arguments.
func (r *reader) watch(t *testing.T, name, path string) {
	t.Helper()
	r.install(t, name, "printf '%s\\n' \"$0\" \"$@\" >>"+r.arguments()+"\nexec "+path+` "$@"`)
}

func (r *reader) arguments() string { return filepath.Join(r.bin, "arguments") }

// C-516: everybody on a machine sees the arguments of its programs.
func (r *reader) checkArguments(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(r.arguments())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if clientSecret.Match(text) {
		t.Errorf("a sample of %s has a secret in an argument:\n%s", r.page, noteShown(text))
	}
}

// noteFiles does so with what they have written into the reader's directory.
func (r *reader) noteFiles(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil || !d.Type().IsRegular() || info.Size() > 1<<20 {
			return err
		}
		text, err := os.ReadFile(path)
		noteShown(text)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
