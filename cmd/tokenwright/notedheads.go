package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// headMessage is what the server logs each hour with the head of the events.
const headMessage = "event head"

var (
	// headRecord finds it in a log written as text.
	headRecord = regexp.MustCompile(`msg="` + headMessage + `" seq=(\d+) hash=([0-9a-f]+)`)
	// bareHead is what should be a head that somebody has noted; 10:15 is a time.
	bareHead = regexp.MustCompile(`^\d+:[0-9A-Fa-f]{32,}$`)
)

func parseHead(flag, text string) (authority.EventHead, error) {
	head, err := authority.ParseEventHead(text)
	if err != nil {
		return head, usageError{flag + " is SEQ:HASH, a number and 64 hexadecimal digits"}
	}
	return head, nil
}

// notedHeads are the heads that were given one by one, and those of a file that are
// not before from: a log is longer than a part of the events.
func notedHeads(given []string, file string, from int64) (heads []authority.EventHead, err error) {
	for _, text := range given {
		head, err := parseHead("--head", text)
		if err != nil {
			return nil, err
		}
		heads = append(heads, head)
	}
	if file == "" {
		return heads, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the heads: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	inFile, err := readHeads(f)
	if err == nil && len(inFile) == 0 {
		err = errors.New("no head is in it: neither a record of a server's log nor a line SEQ:HASH")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the heads of %s: %w", file, err)
	}
	inFile = slices.DeleteFunc(inFile, func(h authority.EventHead) bool { return h.Seq < from })
	return append(heads, inFile...), nil
}

// readHeads reads the heads of lines: the records of a server's log that have one, in
// either form, and lines that are one. Other lines are passed over; a head that
// cannot be read is an error, for it is one that would not be compared.
func readHeads(r io.Reader) (heads []authority.EventHead, err error) {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if text := headIn(strings.TrimSpace(line)); text != "" {
			head, err := authority.ParseEventHead(text)
			if err != nil {
				return nil, fmt.Errorf("line %d has a head that cannot be read", n)
			}
			heads = append(heads, head)
		}
		if err == io.EOF {
			return heads, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// headIn is what should be a head in a line, or "".
func headIn(line string) string {
	if at := strings.IndexByte(line, '{'); at >= 0 && strings.Contains(line[at:], `"`+headMessage+`"`) {
		var record struct {
			Msg  string
			Seq  int64
			Hash string
		}
		if err := json.Unmarshal([]byte(line[at:]), &record); err != nil {
			return "unreadable"
		}
		if record.Msg != headMessage {
			return ""
		}
		return fmt.Sprintf("%d:%s", record.Seq, record.Hash)
	}
	if m := headRecord.FindStringSubmatch(line); m != nil {
		return m[1] + ":" + m[2]
	}
	if strings.Contains(line, `msg="`+headMessage+`"`) {
		return "unreadable"
	}
	return bareHead.FindString(line)
}
