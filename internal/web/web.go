// Package web owns how pages look and what runs in them: the style sheets, the
// scripts, the icon, and the libraries of others among them (vendor). It serves
// them below addresses that name their content, so that a browser asks for each
// once; and it serves, compressed, what other packages have made (File).
//
// It must not know any page, nor the domain. What its classes look like, and the
// markup that they want, is shown by testdata/gallery.html.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // the files
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The style sheet is written in parts, and served as one; so is the script of the
// JWT debugger.
var (
	//go:embed style/tokens.css
	styleTokens []byte
	//go:embed style/base.css
	styleBase []byte
	//go:embed style/shell.css
	styleShell []byte
	//go:embed style/parts.css
	styleParts []byte
	//go:embed style/tables.css
	styleTables []byte
	//go:embed style/forms.css
	styleForms []byte
	//go:embed style/figures.css
	styleFigures []byte
	//go:embed style/media.css
	styleMedia []byte
	//go:embed style/docs.css
	styleDocs []byte
	//go:embed style/explorer.css
	styleExplorer []byte

	//go:embed static/app.js
	appScript []byte
	//go:embed static/chart.js
	chartScript []byte
	//go:embed static/try.js
	tryScript []byte
	//go:embed static/docs.js
	docsScript []byte
	//go:embed static/jwt/json.js
	jwtJSON []byte
	//go:embed static/jwt/token.js
	jwtToken []byte
	//go:embed static/jwt/judge.js
	jwtJudge []byte
	//go:embed static/jwt/words.js
	jwtWords []byte
	//go:embed static/jwt/page.js
	jwtPage []byte
	//go:embed static/explorer.js
	explorerScript []byte
	//go:embed static/icon.svg
	icon []byte
	//go:embed vendor/htmx.min.js
	htmx []byte
	//go:embed vendor/uplot.min.js
	uplotScript []byte
	//go:embed vendor/uplot.min.css
	uplotStyle []byte
	// By far the largest file, so the binary has it as it is sent.
	//go:embed vendor/scalar.js.gz
	scalarCompressed []byte
)

// Assets are the files that pages load. Make it with New.
type Assets struct {
	prefix string
	files  map[string]*File // by name
}

// File is one file as it is served. Make it with NewFile.
type File struct {
	contentType string
	hash        func() string // of the content: its name for ever
	// Of the two, the one that is not embedded is made when it is first asked for.
	body       func() []byte
	compressed func() []byte // by gzip
}

// New returns the assets, to be served below prefix, which begins with a slash and
// ends without one: "/console/static".
func New(prefix string) *Assets {
	style := bytes.Join([][]byte{styleTokens, styleBase, styleShell, styleParts, styleTables, styleForms, styleFigures, styleMedia}, nil)
	jwt := bytes.Join([][]byte{jwtJSON, jwtToken, jwtJudge, jwtWords, jwtPage}, nil)
	const css, js, svg = "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"
	return &Assets{prefix, map[string]*File{
		"style.css":     NewFile(css, style),
		"docs.css":      NewFile(css, styleDocs),
		"app.js":        NewFile(js, appScript),
		"chart.js":      NewFile(js, chartScript),
		"try.js":        NewFile(js, tryScript),
		"docs.js":       NewFile(js, docsScript),
		"jwt.js":        NewFile(js, jwt),
		"icon.svg":      NewFile(svg, icon),
		"htmx.min.js":   NewFile(js, htmx),
		"uplot.min.js":  NewFile(js, uplotScript),
		"uplot.min.css": NewFile(css, uplotStyle),
		"explorer.css":  NewFile(css, styleExplorer),
		"explorer.js":   NewFile(js, explorerScript),
		"scalar.js":     newCompressedFile(js, scalarCompressed),
	}}
}

// NewFile makes a file of a body, which must not be changed afterwards.
func NewFile(contentType string, body []byte) *File {
	return &File{contentType, hashOf(body), func() []byte { return body }, sync.OnceValue(func() []byte { return compress(body) })}
}

// newCompressedFile makes a file of what gzip has made of its body.
func newCompressedFile(contentType string, compressed []byte) *File {
	return &File{contentType, hashOf(compressed), sync.OnceValue(func() []byte { return decompress(compressed) }), func() []byte { return compressed }}
}

// hashOf is made when it is first asked for: a server that starts has other things to do.
func hashOf(content []byte) func() string {
	return sync.OnceValue(func() string {
		sum := sha256.Sum256(content)
		return base64.RawURLEncoding.EncodeToString(sum[:9])
	})
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one that exists
	_, _ = w.Write(body)                                  // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func decompress(compressed []byte) []byte {
	var b bytes.Buffer
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err == nil {
		_, err = b.ReadFrom(r)
	}
	if err != nil {
		panic(err) // it is embedded, and a test reads it
	}
	return b.Bytes()
}

// URL is the path of a file, by the name that New gives it. For a name that does
// not exist it is one that answers 404.
func (a *Assets) URL(name string) string {
	hash := "none"
	if f := a.files[name]; f != nil {
		hash = f.hash()
	}
	return a.prefix + "/" + hash + "/" + name
}

// Register hands the one pattern of all files to handle, the method of a mux.
func (a *Assets) Register(handle func(pattern string, handler http.Handler)) {
	handle(a.prefix+"/", http.HandlerFunc(a.serve))
}

func (a *Assets) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'") // an image that is opened is a document
	hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, a.prefix+"/"), "/")
	f := a.files[name]
	switch {
	case f == nil:
		http.Error(w, "There is no such file.", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "A file only answers GET and HEAD.", http.StatusMethodNotAllowed)
	case hash == f.hash():
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		f.Serve(w, r)
	default:
		// The page is from a node of another release, and better with this file
		// than without: but that answer must not be kept.
		h.Set("Cache-Control", "no-store")
		f.Serve(w, r)
	}
}

// Serve answers GET and HEAD with the file, compressed for who accepts that, and
// 304 to who has it. How long it may be kept is the caller's to say before.
func (f *File) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Vary", "Accept-Encoding")
	var body []byte
	etag := f.hash()
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		body, etag = f.compressed(), f.hash()+"-gzip"
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(body)))
	} else {
		body = f.body()
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(direct{w}, r, "", time.Time{}, bytes.NewReader(body))
}

// direct takes a file from where it is. A copy of a part, 32 KiB, would be held for as
// long as a slow client takes to read it.
type direct struct{ http.ResponseWriter }

// ReadFrom implements io.ReaderFrom.
func (d direct) ReadFrom(from io.Reader) (int64, error) {
	if limited, ok := from.(*io.LimitedReader); ok {
		if file, ok := limited.R.(*bytes.Reader); ok && limited.N == int64(file.Len()) {
			return file.WriteTo(d.ResponseWriter)
		}
	}
	return io.Copy(struct{ io.Writer }{d.ResponseWriter}, from) // of a range
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3), as far as browsers use it.
func acceptsGzip(values []string) bool {
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			_, q, _ := strings.Cut(weight, "=")
			return strings.Trim(q, "0. ") != "" || q == ""
		}
	}
	return false
}
