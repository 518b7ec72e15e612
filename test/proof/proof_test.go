package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

func sources(t *testing.T) (repository, []provable) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := repository{root}
	cases, err := r.cases()
	if err != nil {
		t.Fatal(err)
	}
	return r, cases
}

// aTest is a test that a rule names; what begins with internal/ or is a file is none.
var aTest = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")

// Every rule of reliability has tests that name it, those among them that it names; and
// what tests name is a rule.
func TestRulesOfReliabilityAndTheirTestsNameEachOther(t *testing.T) {
	r, cases := sources(t)
	text, err := os.ReadFile(r.path("docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.tests()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		rule, ok := strings.CutPrefix(line, "| R-")
		if !ok {
			continue
		}
		rule = "R-" + rule[:2]
		if len(all[rule]) == 0 {
			t.Errorf("no test names %s", rule)
		}
		for _, named := range aTest.FindAllStringSubmatch(line, -1) {
			if !slices.ContainsFunc(all[rule], func(t test) bool { return t.name == named[1] }) {
				t.Errorf("%s names %s, whose comment does not name it", rule, named[1])
			}
		}
	}
	for rule, tests := range all {
		if strings.HasPrefix(rule, "R-") && !slices.ContainsFunc(cases, func(c provable) bool { return c.rule == rule }) {
			t.Errorf("%s names %s, which docs/rules.md does not have", tests[0], rule)
		}
	}
}

// aTarget is a fuzz target's function with its first line.
var aTarget = regexp.MustCompile(`\.Fuzz\(func\(.*\n.*\n`)

// Every fuzz target is one of R-50, and holds what each input may cost.
func TestFuzzTargetsAreBounded(t *testing.T) {
	r, _ := sources(t)
	all, err := r.tests()
	if err != nil {
		t.Fatal(err)
	}
	targets, functions := map[string]int{}, map[string]int{}
	for _, one := range all["R-50"] {
		if one.fuzz() {
			targets[one.dir]++
		}
	}
	err = filepath.WalkDir(r.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		dir, _ := filepath.Rel(r.root, filepath.Dir(path))
		for _, begin := range aTarget.FindAllString(string(text), -1) {
			functions[dir]++
			if !strings.HasSuffix(begin, "\t\tdefer fuzztest.Bound(t)()\n") {
				t.Errorf("%s: the function does not begin with fuzztest.Bound:\n%s", path, begin)
			}
		}
		return err
	})
	if err != nil || len(targets) == 0 || !maps.Equal(targets, functions) {
		t.Errorf("fuzz targets by package: %v name R-50, of %v: %v", targets, functions, err)
	}
}

// What the documentation says is what is kept.
func TestThePageSaysWhatWasShown(t *testing.T) {
	r, cases := sources(t)
	tables, err := r.tables()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.path("internal", "docs", "content", page))
	if err != nil {
		t.Fatal(err)
	}
	if _, said, err := harness.Between(string(text), "test/proof", tables); err != nil || said != tables {
		t.Errorf("%s does not say what test/proof/results do (%v); mend it with: cd test && go run ./proof -table", page, err)
	}
	kept, err := filepath.Glob("results/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range kept {
		rule := strings.TrimSuffix(filepath.Base(path), ".json")
		if _, err := chosen(cases, []string{rule}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Above all tables stands what is not as its rule says.
func TestTheSummaryHidesNothing(t *testing.T) {
	all := []entry{
		{rule: "R-91", result: &Result{Pass: true, Time: 1}},
		{rule: "R-92", result: &Result{Pass: true, Time: 0.25}},
		{rule: "R-93", result: &Result{Time: 1, Lost: 7}},
		{rule: "R-94"},
	}
	text := summary(all)
	for _, part := range []string{
		"2 of 4 rules proved", "7 acknowledged changes lost", "Not proved: R-93.", "For a part of their time: R-92.", "Not run in full yet: R-94.",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q: %s", part, text)
		}
	}
	if text = summary(all[:1]); strings.Contains(text, "part of") || strings.Contains(text, "Not") {
		t.Errorf("it says too much: %s", text)
	}
}

// A case is proved when all of its tests have passed, none was skipped or is missing,
// and nothing is counted that must not be.
func TestACaseIsProvedByAllThatItHas(t *testing.T) {
	one, two := test{dir: "a", name: "TestOne"}, test{dir: "b", name: "TestTwo"}
	row := func(change func(*evidence.Written)) outcome {
		w := evidence.Written{Rule: "R-99", Times: 1}
		change(&w)
		return outcome{test: two, passed: true, rows: []evidence.Written{w}}
	}
	well := outcome{test: one, passed: true, seconds: 1, searched: &searched{1, 2, 3}}
	for name, c := range map[string]struct {
		tests []test
		two   outcome
		pass  bool
	}{
		"both":                     {[]test{one, two}, row(func(*evidence.Written) {}), true},
		"one is missing":           {[]test{one, two}, outcome{}, false},
		"no tests":                 {nil, outcome{}, false},
		"something is lost":        {[]test{one, two}, row(func(w *evidence.Written) { w.Lost = 1 }), false},
		"an answer is wrong":       {[]test{one, two}, row(func(w *evidence.Written) { w.Wrong = 1 }), false},
		"a request has failed":     {[]test{one, two}, row(func(w *evidence.Written) { w.Failed = 1 }), false},
		"a row is of another rule": {[]test{one, two}, row(func(w *evidence.Written) { w.Lost, w.Rule = 1, "R-98" }), true},
	} {
		r := provable{rule: "R-99", tests: c.tests}.result(map[test]outcome{one: well, two: c.two})
		if r.Pass != c.pass {
			t.Errorf("%s: %+v", name, r)
		}
		if len(c.tests) > 0 && r.Searched != (searched{1, 2, 3}) {
			t.Errorf("%s: searched %+v", name, r.Searched)
		}
	}
}

// go test is read as it speaks: who passes, who fails, and who was skipped has not passed.
func TestRunsOfTestsAreRead(t *testing.T) {
	var out strings.Builder
	found, err := read(strings.NewReader(`{"Action":"start","Package":"p"}
{"Action":"output","Test":"TestBad","Output":"it is bad\n"}
{"Action":"fail","Test":"TestBad","Elapsed":0.5}
{"Action":"output","Test":"TestGood","Output":"nobody wants to know\n"}
{"Action":"pass","Test":"TestGood","Elapsed":2}
{"Action":"skip","Test":"TestNone"}
{"Action":"fail","Package":"p"}
`), &out)
	if err != nil || len(found) != 3 || !found["TestGood"].passed || found["TestBad"].passed || found["TestNone"].passed || found["TestGood"].seconds != 2 {
		t.Errorf("%+v, %v", found, err)
	}
	if said := out.String(); !strings.Contains(said, "it is bad") || strings.Contains(said, "nobody wants") {
		t.Errorf("it shows:\n%s", said)
	}
	if _, err := read(strings.NewReader("no JSON\n"), &out); err == nil {
		t.Error("what is no event is read")
	}
}

// A rule is proved from its tests to its result: here by the tests of a small package.
func TestARuleIsProvedByRunningItsTests(t *testing.T) {
	r := repository{t.TempDir()}
	for path, text := range map[string]string{
		"go.mod":        "module example.test/small\n",
		"docs/rules.md": "| R-91 | Holds. | policy |\n| R-92 | Does not hold. | policy |\n| R-93 | Holds behind all tests. | policy |\n| R-94 | Does not. | policy |\n",
		"small_test.go": "package small\n\nimport \"testing\"\n\n// R-91\nfunc TestGood(t *testing.T) {}\n\n// R-92, R-91x\nfunc TestBad(t *testing.T) { t.Error(\"bad\") }\n",
		"all/all_test.go": "package all\n\nimport (\n\"os\"\n\"testing\"\n)\n\nvar ran int\n\n// R-93\nfunc TestMain(m *testing.M) {\nif code := m.Run(); code != 0 || ran != 2 {\nos.Exit(1)\n}\n}\n\n" +
			"func TestOne(t *testing.T) { ran++ }\nfunc TestTwo(t *testing.T) { ran++ }\n",
		"none/none_test.go": "package none\n\nimport \"testing\"\n\n// R-94\nfunc TestMain(m *testing.M) { m.Run() }\n\nfunc TestLeftOut(t *testing.T) { t.Skip() }\n",
	} {
		if err := os.MkdirAll(filepath.Dir(r.path(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.path(path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases, err := r.cases()
	if err != nil || len(cases) != 4 {
		t.Fatalf("%v, %v", cases, err)
	}
	done := map[test]outcome{}
	var out strings.Builder
	for _, c := range cases {
		for dir, tests := range grouped(c.tests, done) {
			if err := r.runAll(t.Context(), dir, tests, 1, done, &out); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n, holds := range []bool{true, false, true, false} {
		if result := cases[n].result(done); result.Pass != holds || len(result.Tests) != 1 {
			t.Errorf("%+v:\n%s", result, out.String())
		}
	}
}
