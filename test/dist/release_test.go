package dist

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// C-522: the same sources make the same bytes: in another directory, without their
// history, and whatever the machine, the caller and the tests have set.
func TestReleaseIsReproducible(t *testing.T) {
	copied := filepath.Join(t.TempDir(), "elsewhere")
	copySources(t, copied)
	again := filepath.Join(t.TempDir(), "dist")
	of := build(t)
	epoch := strings.TrimSpace(tool(t, "git", "-C", made.root, "log", "-1", "--format=%ct"))
	if err := makeRelease(copied, again, "VERSION="+of.Version, "REVISION="+of.Revision, "SOURCE_DATE_EPOCH="+epoch,
		"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "GOFLAGS=-tags=other -ldflags=-X=main.other=1", "CGO_ENABLED=1"); err != nil {
		t.Fatal(err)
	}
	// The sums of both name every file there is, and are right.
	for _, dir := range []string{made.dir, again} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
		c.Dir = dir
		out, err := c.CombinedOutput()
		if lines := bytes.Count(out, []byte(": OK\n")); err != nil || lines != len(files)-1 || lines < 3 {
			t.Errorf("the checksums of %d files: %v\n%s", len(files), err, out)
		}
	}
	first, second := read(t, made.dir, "SHA256SUMS"), read(t, again, "SHA256SUMS")
	if first != second {
		t.Errorf("the same sources have made\n%sand then\n%s", first, second)
	}
}

// copySources copies what belongs to the repository, as it is here.
func copySources(t *testing.T, to string) {
	t.Helper()
	files := tool(t, "git", "-C", made.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for name := range strings.SplitSeq(strings.TrimSuffix(files, "\x00"), "\x00") {
		from := filepath.Join(made.root, name)
		info, err := os.Lstat(from)
		if os.IsNotExist(err) || err == nil && !info.Mode().IsRegular() {
			continue // deleted here, or a link to a directory of packages
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, text, info.Mode().Perm()&0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// C-523: the binary needs nothing of the system, and says what it is.
func TestBinaryIsStaticAndSaysWhatItIs(t *testing.T) {
	file, err := elf.Open(binary())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a part of type %s", p.Type)
		}
	}
	of := build(t)
	if !strings.Contains(made.name, "_"+strings.TrimPrefix(of.Version, "v")+"_") || !strings.HasPrefix(of.Version, "v") {
		t.Errorf("the archive %s has version %s", made.name, of.Version)
	}
	if head := strings.TrimSpace(tool(t, "git", "-C", made.root, "rev-parse", "HEAD")); of.Revision != head {
		t.Errorf("the revision is %s, and was made of %s", of.Revision, head)
	}
	text, err := os.ReadFile(binary())
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{made.root, "go-md2man", "blackfriday"} {
		if bytes.Contains(text, []byte(foreign)) {
			t.Errorf("the binary has %s in it", foreign)
		}
	}
	info, err := buildinfo.ReadFile(binary())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range info.Settings {
		if s.Key == "-race" || s.Key == "-gcflags" || s.Key == "-tags" {
			t.Errorf("it was built with %s=%s", s.Key, s.Value)
		}
	}
}

// C-524: what comes with the binary.
func TestArchiveIsComplete(t *testing.T) {
	archive, err := os.Open(filepath.Join(made.dir, made.name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	members := headers(t, archive)
	for _, name := range []string{
		"LICENSE", "LICENSES", "README.md", "CHANGELOG.md", "completions/tokenwright.bash", "completions/_tokenwright", "completions/tokenwright.fish",
		"deploy/tokenwright.yaml", "deploy/systemd/tokenwright.service", "deploy/systemd/tokenwright.conf", "deploy/docker/Dockerfile",
		"deploy/docker/compose.yaml", "deploy/docker/ca-certificates.crt", "deploy/prometheus/alerts.yml", "man/tokenwright.1", "man/tokenwright-key-create.1",
		"docs/runbooks.md", "docs/overview.md", "docs/flow.svg",
	} {
		if h := members[name]; h == nil || h.Size == 0 || h.Mode != 0o644 || h.Uid != 0 {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if h := members["tokenwright"]; h == nil || h.Mode != 0o755 {
		t.Errorf("the binary: %+v", h)
	}
	for name := range members {
		if strings.Contains(name, "-dist") {
			t.Errorf("it has %s, of a command that the binary does not have", name)
		}
	}
	tool(t, "bash", "-n", filepath.Join(made.tree, "completions", "tokenwright.bash"))
	if pem := strings.Count(read(t, made.tree, "deploy/docker/ca-certificates.crt"), "BEGIN CERTIFICATE"); pem < 50 {
		t.Errorf("there are %d certificates", pem)
	}
	checkPages(t)
}

// checkPages holds that every command has a page, which renders without a warning
// and has kept what Markdown would take for a mark.
func checkPages(t *testing.T) {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(made.tree, "man", "*.1"))
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d man pages %v", len(pages), err)
	}
	for _, line := range strings.Split(tool(t, binary(), "key", "--help"), "\n") {
		if command := strings.Fields(line); len(command) > 1 && strings.HasPrefix(line, "  ") && !strings.HasPrefix(command[0], "-") && command[0] != "tokenwright" {
			if !slices.Contains(pages, filepath.Join(made.tree, "man", "tokenwright-key-"+command[0]+".1")) {
				t.Errorf("tokenwright key %s has no page", command[0])
			}
		}
	}
	c := exec.Command("man", "--local-file", "--warnings", filepath.Join(made.tree, "man", "tokenwright-forward-auth.1"))
	c.Env = append(os.Environ(), "MANWIDTH=120", "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	page, err := c.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("man: %v\n%s", err, stderr.Bytes())
	}
	for _, want := range []string{"<issuer>/api", "TOKENWRIGHT_TRUSTED_PROXIES", "\n         401  there is no good token\n"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// C-524: list and licences are those of the modules in the binary, all of them.
func TestListOfModulesIsThatOfTheBinary(t *testing.T) {
	info, err := buildinfo.ReadFile(binary())
	if err != nil {
		t.Fatal(err)
	}
	var sbom struct {
		BOMFormat  string
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(read(t, made.dir, made.name+".cdx.json")), &sbom); err != nil {
		t.Fatal(err)
	}
	if sbom.BOMFormat != "CycloneDX" || sbom.Metadata.Component.Version != build(t).Version {
		t.Errorf("it is %s of version %s", sbom.BOMFormat, sbom.Metadata.Component.Version)
	}
	listed := map[string]string{}
	for _, c := range sbom.Components {
		listed[c.Name] = c.Version
	}
	licences := read(t, made.tree, "LICENSES")
	if len(info.Deps) < 20 || len(listed) != len(info.Deps)+1 || listed["std"] == "" {
		t.Errorf("the binary has %d modules, and listed are %d", len(info.Deps), len(listed))
	}
	for _, m := range info.Deps {
		if listed[m.Path] != m.Version {
			t.Errorf("%s is %s, and listed as %q", m.Path, m.Version, listed[m.Path])
		}
		if !strings.Contains(licences, "\n==== "+m.Path+"@"+m.Version+", ") {
			t.Errorf("the licence of %s is not there", m.Path)
		}
	}
}
