package main

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// manager is a service manager: what it hears stands in the channel.
func manager(t *testing.T) (heard <-chan string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	messages := make(chan string, 10)
	go func() {
		defer close(messages)
		for buffer := make([]byte, 1024); ; {
			n, err := l.Read(buffer)
			if err != nil {
				return
			}
			messages <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		for range messages { // until the reader has ended
		}
	})
	return messages
}

func mustHear(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	select {
	case got := <-heard:
		if got != want {
			t.Errorf("the service manager is told %q, not %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("the service manager is not told %q", want)
	}
}

//
func TestServeTellsItsServiceManager(t *testing.T) {
	heard := manager(t)
	s := serveHere(t, "NOTIFY_SOCKET=yes", "TOKENWRIGHT_DATA="+t.TempDir())
	mustHear(t, heard, "READY=1\nSTATUS=Serving http://localhost:8080")
	s.answers(t, "/readyz", 200)
	s.stop()
	mustHear(t, heard, "STOPPING=1")
	<-s.ended
	if s.result != exitOK {
		t.Errorf("exit code %d", s.result)
	}
}

// a start that waits for the database is none that failed.
func TestServeIsNotKilledWhileItWaits(t *testing.T) {
	heard := manager(t)
	s := serveHere(t, "NOTIFY_SOCKET=yes", "TOKENWRIGHT_DATABASE=postgres://nobody@127.0.0.1:1/nothing", masterKey(1))
	mustHear(t, heard, "READY=1\nSTATUS=Waiting for the database, which does not answer")
	s.answers(t, "/healthz", 200)
	s.stop()
	mustHear(t, heard, "STOPPING=1")
	<-s.ended
}

// a server that nobody manages tells nobody, though its process may be a
// part of a service.
func TestServeTellsNobodyUnasked(t *testing.T) {
	heard := manager(t)
	s := serveHere(t, "TOKENWRIGHT_DATA="+t.TempDir())
	s.answers(t, "/readyz", 200)
	s.stop()
	<-s.ended
	select {
	case got := <-heard:
		t.Errorf("it says %q", got)
	default:
	}
}
