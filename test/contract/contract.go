// Package contract holds what the product takes and answers against its OpenAPI
// document, both ways: every answer must be as the document says, and every
// request that the product accepts must be one that the document allows.
//
// A [Checker] does it for one document; [Checker.Transport] puts it between a
// client and the product. It knows no operation: what to ask is for tests to say.
package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pb33f/go-yaml"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	invalid "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/helpers"
	"github.com/pb33f/libopenapi-validator/paths"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// Checker holds requests and answers against one document. Any goroutine may
// use it.
type Checker struct {
	// Model is the document.
	Model *v3.Document

	requests  validator.Validator // lets pass what the document leaves open
	responses validator.Validator // knows nothing that the document does not say
	options   *config.ValidationOptions

	mu   sync.Mutex
	seen map[Seen]bool
}

// Seen is a kind of answer that was met.
type Seen struct {
	Operation string // its operationId
	Status    int
}

// notSaid are the fields that answers have of which the document says nothing,
// for they are no part of what an operation answers.
var notSaid = []string{
	"Date", "Connection", "Content-Length", "Content-Type", "X-Content-Type-Options", // of HTTP and every answer
	"Content-Security-Policy", "Referrer-Policy", "Accept-Ranges", // of pages
}

// free are the places of an answer where anything may stand.
var free = []string{
	"$.body.details.**", "$.body.items[*].details.**", "$.body.usage.*.**",
}

// theDocument is the operation that answers the document. Its body is held
// against OpenAPI itself, which a schema of it would only repeat.
const theDocument = "readOpenapi"

// New reads a document, JSON or YAML.
func New(document []byte) (*Checker, error) {
	doc, err := libopenapi.NewDocument(document)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	options := []config.Option{config.WithURLEncodedBodyValidation(), config.WithFormatAssertions(), config.WithRejectUndeclaredRequestBody()}
	requests, errs := validator.NewValidator(doc, options...)
	strict := append(options, config.WithStrictMode(), config.WithStrictIgnoredHeaders(notSaid...), config.WithStrictIgnorePaths(free...))
	responses, more := validator.NewValidator(doc, strict...)
	if errs = append(errs, more...); len(errs) > 0 {
		return nil, fmt.Errorf("reading the document: %w", errors.Join(errs...))
	}
	return &Checker{
		Model: &model.Model, requests: requests, responses: responses, options: config.NewValidationOptions(options...), seen: map[Seen]bool{},
	}, nil
}

// Check tells what of an exchange is not as the document says. The bodies of
// request and answer are read, and put back. known is false where the document
// has no such operation: nothing is checked then.
func (c *Checker) Check(r *http.Request, resp *http.Response) (known bool, wrong []string) {
	item, errs, path := paths.FindPath(r, c.Model, c.options)
	if item == nil || len(errs) > 0 || !c.knowsIssuer(path, r.URL.Path) {
		return false, nil
	}
	operation := helpers.ExtractOperation(r, item)
	c.note(operation, resp.StatusCode)
	if operation != nil && operation.OperationId == theDocument && resp.StatusCode == http.StatusOK {
		resp.Body = io.NopCloser(strings.NewReader("{}"))
	}
	if resp.StatusCode < 300 {
		if ok, errs := c.requests.ValidateHttpRequestSync(r); !ok {
			wrong = append(wrong, told("accepted, though by the document it is wrong", errs)...)
		}
	}
	if r.Method == http.MethodHead { // it has no body to be checked
		return true, wrong
	}
	if ok, errs := c.responses.ValidateHttpResponse(r, resp); !ok {
		wrong = append(wrong, told("answered otherwise than the document says", errs)...)
	}
	return true, wrong
}

// knowsIssuer tells whether the environment in a path, where it has one, is one of
// the document's.
func (c *Checker) knowsIssuer(template, path string) bool {
	for i, segment := range strings.Split(template, "/") {
		if segment == "{env}" {
			name := strings.Split(path, "/")[i]
			known := c.Model.Components.Parameters.GetOrZero("Issuer").Schema.Schema().Enum
			return slices.ContainsFunc(known, func(n *yaml.Node) bool { return n.Value == name })
		}
	}
	return true
}

func (c *Checker) note(operation *v3.Operation, status int) {
	if operation == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[Seen{operation.OperationId, status}] = true
}

// Met tells whether there was such an answer.
func (c *Checker) Met(s Seen) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[s]
}

// told is what is wrong, without what was sent: that may be a secret.
func told(what string, errs []*invalid.ValidationError) []string {
	var list []string
	for _, e := range errs {
		text := what + ": " + e.Message
		for _, s := range e.SchemaValidationErrors {
			text += fmt.Sprintf("; %s at %s", s.Reason, "/"+strings.Join(s.InstancePath, "/"))
		}
		if len(e.SchemaValidationErrors) == 0 {
			text += ": " + e.Reason
		}
		list = append(list, text)
	}
	return list
}

// Transport checks what passes through it, and hands what is wrong to report;
// so it does with what the document does not know, if all is true.
func (c *Checker) Transport(next http.RoundTripper, all bool, report func(problem string)) http.RoundTripper {
	return &transport{c, next, all, report}
}

type transport struct {
	checker *Checker
	next    http.RoundTripper
	all     bool
	report  func(string)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	copied := r.Clone(r.Context())
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, copied.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	known, wrong := t.checker.Check(copied, resp)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if !known && t.all {
		wrong = append(wrong, "the document has no such operation")
	}
	for _, problem := range wrong {
		t.report(fmt.Sprintf("%s %s, status %d: %s", r.Method, r.URL.Path, resp.StatusCode, problem))
	}
	return resp, nil
}
