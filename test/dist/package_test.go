package dist

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// copyOfThis makes a copy of this machine, which forgets everything: what is written
// to $SCRATCH/root goes to memory.
const copyOfThis = `set -e
mount -t tmpfs tmpfs "$SCRATCH"
mkdir "$SCRATCH"/{upper,work,root}
mount -t overlay overlay -o lowerdir=/,upperdir="$SCRATCH/upper",workdir="$SCRATCH/work" "$SCRATCH/root"
`

// machine starts systemd on the copy. It has the directory given as /test, the
// release as /dist, the pages of the documentation as /docs, and another one as /out.
const machine = copyOfThis + `
exec systemd-nspawn --quiet --directory="$SCRATCH/root" --machine="tokenwright-$$" --private-network --register=no --keep-unit --link-journal=no \
	--console=pipe --boot --bind-ro="$TEST:/test" --bind-ro="$DIST:/dist" --bind-ro="$DOCS:/docs" --bind="$OUT:/out" \
	--bind-ro="$TEST/check.service:/etc/systemd/system/check.service" systemd.unit=check.service`

// container has no systemd, and the release as /mnt.
const container = copyOfThis + `
mount --rbind /dev "$SCRATCH/root/dev"
mount -t proc proc "$SCRATCH/root/proc"
mount --bind "$DIST" "$SCRATCH/root/mnt"
exec chroot "$SCRATCH/root" bash -s <"$TEST/container.sh"`

// onACopy runs a script as root, and returns what it says.
func onACopy(t *testing.T, script, out string, namespaces ...string) (string, error) {
	t.Helper()
	harness.NeedRoot(t, "make a copy of the machine")
	harness.Need(t, "systemd-nspawn", "unshare", "dpkg", "jq", "curl", "man", "ip")
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // ends what hangs
	defer cancel()
	c := exec.CommandContext(ctx, "unshare", append(namespaces, "--mount", "--propagation", "private", "bash", "-c", script)...)
	c.Env = append(os.Environ(), "SCRATCH="+t.TempDir(), "TEST="+testdata, "DIST="+made.dir, "OUT="+out,
		"DOCS="+filepath.Join(made.root, "internal", "docs", "content"))
	said, err := c.CombinedOutput()
	return string(said), err
}

// C-525, C-526, R-67: the package on a machine that systemd runs: installed,
// configured, started, crashed, upgraded, removed, purged.
func TestPackageServesUnderSystemd(t *testing.T) {
	out := t.TempDir()
	if err := os.Chmod(out, 0o755); err != nil {
		t.Fatal(err)
	}
	said, err := onACopy(t, machine, out)
	if _, missing := os.Stat(filepath.Join(out, "done")); err != nil || missing != nil {
		log, _ := os.ReadFile(filepath.Join(out, "log")) // as far as it came
		t.Errorf("the machine ended with %v:\n%s\n%s", err, said, log)
	}
}

// C-525: the package where nothing runs systemd.
func TestPackageServesWithoutSystemd(t *testing.T) {
	if said, err := onACopy(t, container, "", "--net", "--pid", "--fork", "--kill-child"); err != nil {
		t.Errorf("the container ended with %v:\n%s", err, said)
	}
}

// C-524: the files of the package are those of the archive.
func TestPackageHasWhatTheArchiveHas(t *testing.T) {
	harness.Need(t, "dpkg-deb")
	packages, err := filepath.Glob(filepath.Join(made.dir, "*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%v %v", packages, err)
	}
	root := t.TempDir()
	tool(t, "dpkg-deb", "--extract", packages[0], root)
	for of, in := range map[string]string{
		"tokenwright": "usr/bin/tokenwright", "deploy/systemd/tokenwright.service": "usr/lib/systemd/system/tokenwright.service",
		"deploy/tokenwright.yaml": "etc/tokenwright/tokenwright.yaml", "completions/_tokenwright": "usr/share/zsh/vendor-completions/_tokenwright",
		"completions/tokenwright.fish": "usr/share/fish/vendor_completions.d/tokenwright.fish",
		"completions/tokenwright.bash": "usr/share/bash-completion/completions/tokenwright",
		"docs/runbooks.md":             "usr/share/doc/tokenwright/docs/runbooks.md",
	} {
		if read(t, made.tree, of) != read(t, root, in) {
			t.Errorf("%s of the archive and %s of the package differ", of, in)
		}
	}
	version := strings.TrimSpace(tool(t, "dpkg-deb", "--field", packages[0], "Version"))
	tool(t, "dpkg", "--compare-versions", version, "lt", "1.0.0~rc.1")
	if of := build(t).Version; version != strings.ReplaceAll(strings.TrimPrefix(of, "v"), "-", "~") {
		t.Errorf("the package has version %s, and the binary %s", version, of)
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		tool(t, "sh", "-n", filepath.Join(made.root, "deploy", "debian", script))
	}
}
