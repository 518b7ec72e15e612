package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Mount mounts a file system at a directory until the test ends, or skips the test
// where this user or machine may not.
func Mount(t testing.TB, dir string, args ...string) {
	t.Helper()
	NeedRoot(t, "mount a file system")
	if out, err := execute(t, append(append([]string{"mount"}, args...), dir)...); err != nil {
		for _, refusal := range []string{"permission denied", "not permitted", "failed to setup loop device", "unknown filesystem type"} {
			if strings.Contains(out, refusal) {
				t.Skipf("this machine lets not even root mount such a file system: %s", out)
			}
		}
		t.Fatalf("mounting: %v: %s", err, out)
	}
	t.Cleanup(func() { unmount(t, dir) })
}

func unmount(t testing.TB, dir string) {
	t.Helper()
	if out, err := execute(t, "umount", dir); err != nil {
		t.Errorf("unmounting: %v: %s", err, out)
	}
}

// MountSmall mounts a file system that has room for so many bytes.
func MountSmall(t testing.TB, dir string, size int) {
	t.Helper()
	Mount(t, dir, "-t", "tmpfs", "-o", fmt.Sprintf("mode=700,size=%d", size), "tmpfs")
}

// OnSmallDisk gives an installation, which has no data yet, a disk that has room for
// so many bytes.
func (in *Installation) OnSmallDisk(t testing.TB, size int) {
	t.Helper()
	MountSmall(t, in.Data, size)
	t.Cleanup(func() { in.keepData(t) })
}

// keepData leaves what a data directory holds to the search at the end: it is about
// to be unmounted.
func (in *Installation) keepData(t testing.TB) {
	t.Helper()
	kept, err := os.MkdirTemp(filepath.Dir(in.Data), "data-")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(in.Data, "*"))
	for _, file := range files {
		info, failed := os.Stat(file)
		if failed != nil || !info.Mode().IsRegular() {
			err = errors.Join(err, failed)
			continue
		}
		err = errors.Join(err, copyFile(file, filepath.Join(kept, filepath.Base(file)), info.Mode()))
	}
	if err != nil {
		t.Error(err)
	}
}

// Disk is an ext4 file system on a device which is a file: what that holds was written
// to the device, and what only the page cache of the file system holds is not there.
type Disk struct {
	in    *Installation
	image string
}

// OnDisk gives an installation, which has no data yet, a disk of its own.
func (in *Installation) OnDisk(t testing.TB, size int64) *Disk {
	t.Helper()
	Need(t, "mkfs.ext4")
	d := &Disk{in: in, image: filepath.Join(t.TempDir(), "disk")}
	for _, err := range []error{os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, size)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if out, err := execute(t, "mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.image); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	Mount(t, in.Data, "-o", "loop", d.image)
	if err := os.Chmod(in.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.keepData(t) })
	return d
}

// Dir is where the disk is mounted.
func (d *Disk) Dir() string { return d.in.Data }

// Copy is what the device holds now. Whoever writes to it must have been stopped; the
// kernel has not, and while it writes there is no such moment.
func (d *Disk) Copy(t testing.TB) (image string) {
	t.Helper()
	image = d.image + "-copy"
	for range 100 {
		if err := copyFile(d.image, image, 0o600); err != nil {
			t.Fatal(err)
		}
		same, err := alike(d.image, image)
		if err != nil {
			t.Fatal(err)
		}
		if same {
			return image
		}
	}
	t.Fatal("the device is written to all the time")
	return ""
}

// Become puts a copy in the place of the disk. No process may use it any more.
func (d *Disk) Become(t testing.TB, image string) {
	t.Helper()
	// The loop device goes with the last use of it, which may be the kernel's.
	unmount(t, d.in.Data)
	if err := os.Rename(image, d.image); err != nil {
		t.Fatal(err)
	}
	if out, err := execute(t, "mount", "-o", "loop", d.image, d.in.Data); err != nil {
		t.Fatalf("mounting what the power cut has left: %v: %s", err, out)
	}
}

// CopyDirectory makes a directory like another one.
func CopyDirectory(t testing.TB, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Chmod(file, 0o600); err != nil { // CopyFS adds what umask allows
			t.Fatal(err)
		}
	}
}

// copyFile copies a file.
func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// alike tells whether two files hold the same.
func alike(a, b string) (bool, error) {
	one, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	other, err := os.ReadFile(b)
	return bytes.Equal(one, other), err
}
