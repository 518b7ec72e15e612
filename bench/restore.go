package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// restoreFigures is what becomes of a database with very many API keys at night.
type restoreFigures struct {
	Keys     int     `json:"keys"`
	Size     float64 `json:"database_mib"`
	Copy     spread  `json:"copy_s"` // of the file, durable: what no backup can do without
	Backup   spread  `json:"backup_s"`
	Restore  spread  `json:"restore_s"`  // the command; changes lost, so that signing keys are made as well
	Answered spread  `json:"answered_s"` // from the restore's start to the first token of the restored server
}

// restores is how often each is done.
const restores = 3

// restore measures the backup of a database with a million API keys, and its restore
// into an empty directory, on one core.
func (b *bench) restore(ctx context.Context) (any, error) {
	p, err := b.populate(ctx, "backup", 9122, manyKeys)
	if err != nil {
		return nil, err
	}
	var f restoreFigures
	var copied, backup, restored, answered []float64
	for n := range restores {
		file := filepath.Join(b.dir, fmt.Sprintf("backup-%d.db", n))
		began := time.Now()
		if err := copyDurably(p.database(), file+".copy"); err != nil {
			return nil, err
		}
		copied = append(copied, time.Since(began).Seconds())
		began = time.Now()
		if err := p.pinned(ctx, "backup", file); err != nil {
			return nil, err
		}
		backup = append(backup, time.Since(began).Seconds())

		in := newInstallation(b.dir, fmt.Sprintf("restored-%d", n), p.binary, p.port)
		if err := os.MkdirAll(in.data, 0o700); err != nil {
			return nil, err
		}
		if err := copyDurably(filepath.Join(p.data, "master.key"), filepath.Join(in.data, "master.key")); err != nil {
			return nil, err
		}
		began = time.Now()
		if err := in.pinned(ctx, "restore", file, "--accept-lost-changes"); err != nil {
			return nil, err
		}
		restored = append(restored, time.Since(began).Seconds())
		running, err := in.serve(ctx, b.dir, serverCore)
		if err != nil {
			return nil, err
		}
		_, ok := askOnce(http.DefaultClient, in.url+"/oauth/token", p.keys[len(p.keys)-1].body())
		answered = append(answered, time.Since(began).Seconds())
		running.stop()
		if !ok {
			return nil, fmt.Errorf("the restored server gives no token")
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		f.Size = float64(info.Size()) / (1 << 20)
		for _, gone := range []string{file, file + ".copy", in.data} {
			if err := os.RemoveAll(gone); err != nil {
				return nil, err
			}
		}
		b.progress("%d API keys backed up and restored", manyKeys)
	}
	f.Keys, f.Copy, f.Backup, f.Restore, f.Answered = manyKeys, spreadOf(copied), spreadOf(backup), spreadOf(restored), spreadOf(answered)
	rows := [][]string{{fmt.Sprintf("%d keys, %.0f MiB", f.Keys, f.Size), "time", "(min-max)", "must reach"}}
	for _, r := range []struct {
		what string
		took spread
		bar  string
	}{
		{"a copy of the file, durable", f.Copy, ""}, {"backup", f.Backup, ""}, {"restore", f.Restore, barRestore.beside(f.Restore.Median)},
		{"  until the first token", f.Answered, ""},
	} {
		rows = append(rows, []string{r.what, fmt.Sprintf("%.1f s", r.took.Median), fmt.Sprintf("%.1f-%.1f", r.took.Min, r.took.Max), r.bar})
	}
	b.table(fmt.Sprintf("Backup and restore, on one core, %d times each", restores), rows)
	return f, nil
}

// copyDurably copies a file, and waits until it is on the disk.
func copyDurably(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
