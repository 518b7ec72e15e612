// Command clock uses the client SDK while its wall clock jumps. It is built with
// a package time that has SetWallClock.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright"
)

const (
	life      = 3 * time.Second // of a token
	renewal   = life * 85 / 100 // when it begins at the latest
	longPause = 15 * time.Second
)

func main() {
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run() error {
	var exchanges atomic.Int64
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := exchanges.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":%d,"token_type":"bearer"}`, n, int(life.Seconds()))
	}))
	defer server.Close()
	for _, jump := range []int64{0, 3600, -3600} { // seconds
		down.Store(false)
		exchanges.Store(0)
		source, err := tokenwright.Config{URL: server.URL, ClientID: "x", ClientSecret: "x", RetryFor: -1}.TokenSource(context.Background())
		if err == nil {
			_, err = source.Token(context.Background())
		}
		if err != nil {
			return err
		}
		born := time.Now()
		down.Store(true)
		time.SetWallClock(jump)
		if off := time.Now().Round(0).Sub(born.Round(0)); jump != 0 && off.Abs() < 59*time.Minute {
			return fmt.Errorf("the wall clock has not jumped: %s", off)
		}
		lasted, renewed, err := follow(source, born, func() { down.Store(false) })
		time.SetWallClock(0)
		if err != nil {
			return fmt.Errorf("after a jump of %d s: %w", jump, err)
		}
		fmt.Printf("jump of %d s: the token lasted %s, the next came %s later, %d exchanges\n", jump, lasted, renewed, exchanges.Load())
		if lasted < renewal+life/60 || lasted > life || renewed > longPause+time.Second || exchanges.Load() > 50 {
			return errors.New("this is not right")
		}
	}
	return nil
}

// follow tells how long a token of a server that is down is handed out, and how
// long after the server is up again there is another one.
func follow(source tokenwright.TokenSource, born time.Time, up func()) (lasted, renewed time.Duration, err error) {
	for ; time.Since(born) < life*6/5; time.Sleep(time.Millisecond) {
		if _, err := source.Token(context.Background()); err == nil {
			lasted = time.Since(born)
		}
	}
	up()
	for began := time.Now(); time.Since(began) < 2*longPause; time.Sleep(time.Millisecond) {
		if _, err := source.Token(context.Background()); err == nil {
			return lasted, time.Since(began), nil
		}
	}
	return lasted, 0, errors.New("there is no token although the server is up")
}
