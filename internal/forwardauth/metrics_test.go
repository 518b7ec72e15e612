package forwardauth

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"
)

func TestChecksAreCountedByOutcome(t *testing.T) { // C-350, C-231
	in := install(t)
	bearer := "Authorization: Bearer " + in.demo.Token()
	const target = "/forward-auth?env=demo&scope=customers:read"
	for range 3 {
		ask(t, in.handler, "GET "+target, bearer)
	}
	ask(t, in.handler, "GET "+target)
	ask(t, in.handler, "GET "+target, "Authorization: Bearer x")
	ask(t, in.handler, "GET /forward-auth/"+bearer[22:60], bearer)
	ask(t, in.handler, "GET /forward-auth?env=staging&scope=customers:read", bearer)
	want := map[string]float64{"passed": 3, "no_token": 1, "malformed": 1, "unknown_policy": 1, "unknown_environment": 1}
	if got := in.counted(); !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// counted is what the metric says, but for zeros.
func (in *installation) counted() map[string]float64 {
	in.Helper()
	families, err := in.registry.Gather()
	if err != nil || len(families) != 1 {
		in.Fatalf("%d metrics, %v", len(families), err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		if v := m.GetCounter().GetValue(); v != 0 {
			got[m.GetLabel()[0].GetValue()] = v
		}
	}
	return got
}

// A reason that the metric did not know would be counted nowhere.
func TestTheMetricKnowsEveryReason(t *testing.T) { // C-350
	in := install(t)
	reasons := reasonsInSource(t)
	for why := range in.handler.outcomes {
		if !slices.Contains(reasons, string(why)) {
			t.Errorf("the metric has the outcome %q, which no refusal has", why)
		}
	}
	for _, why := range reasons {
		if _, ok := in.handler.outcomes[reason(why)]; !ok {
			t.Errorf("the metric does not know %q", why)
		}
	}
	if len(reasons) < 20 {
		t.Errorf("%d reasons were found", len(reasons))
	}
}

// reasonsInSource are the texts of constants of the type, and those that stand
// beside an error of package verify.
func reasonsInSource(t *testing.T) (list []string) {
	t.Helper()
	for _, name := range []string{"answer.go", "metrics.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var value ast.Expr
			switch n := n.(type) {
			case *ast.ValueSpec:
				if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "reason" && len(n.Values) == 1 {
					value = n.Values[0]
				}
			case *ast.CompositeLit:
				if n.Type == nil && len(n.Elts) == 2 { // a row of tokenReasons
					value = n.Elts[1]
				}
			}
			if text, ok := value.(*ast.BasicLit); ok {
				reason, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, reason)
			}
			return true
		})
	}
	return list
}
