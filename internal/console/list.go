package console

import (
	"net/url"
	"strconv"
	"time"
)

// pageSize is how many rows a page of a list has.
const pageSize = 50

// listName names the list that the request is for: whose it is, and its filter.
// A cursor of another one is of no use here (C-195).
func (v *visit) listName() string { return "console " + v.address(nil) }

// address is the path of the request with the filter in its query, and set in the
// place of what that has. Where a list goes on, and what was done, is no filter.
func (v *visit) address(set map[string]string) string {
	query := url.Values{}
	for name, values := range v.Request.URL.Query() {
		if name != "after" && name != "done" && values[0] != "" {
			query.Set(name, values[0])
		}
	}
	for name, value := range set {
		if query.Set(name, value); value == "" {
			query.Del(name)
		}
	}
	return (&url.URL{Path: v.Request.URL.Path, RawQuery: query.Encode()}).String()
}

// place returns where the page of a list begins, as pager was given it; "" for the
// beginning. Error: authority.ErrCursor.
func (v *visit) place() (string, error) {
	cursor := v.Request.URL.Query().Get("after")
	if cursor == "" {
		return "", nil
	}
	return v.console.Authority.ParseCursor(v.listName(), cursor)
}

// pager leads through a list.
type pager struct {
	Label string // of what: "merchants"
	First string // address of the first page; "" on it
	Next  string // address of the next page; "" for none
}

// pager goes on at place, "" for nowhere.
func (v *visit) pager(label, place string) pager {
	p := pager{Label: label}
	if v.Request.URL.Query().Get("after") != "" {
		p.First = v.address(nil)
	}
	if place != "" {
		p.Next = v.address(map[string]string{"after": v.console.Authority.Cursor(v.listName(), place)})
	}
	return p
}

// cut keeps the first page of what was read, one row more than a page has, and
// says whether there are more.
func cut[T any](list []T, size int) ([]T, bool) {
	if len(list) > size {
		return list[:size], true
	}
	return list, false
}

// grouped writes a number with a comma before each three digits: 1,204.
func grouped[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// lasting writes how long something lasts, in the largest unit that has no rest.
func lasting(d time.Duration) string {
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := d / u.length; n > 0 && d%u.length == 0 {
			if n == 1 {
				return "1 " + u.name
			}
			return strconv.Itoa(int(n)) + " " + u.name + "s"
		}
	}
	return d.String()
}
