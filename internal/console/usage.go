package console

import (
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/plain"
)

var usageRoutes = []route{
	page("/usage", authority.UsageRead, (*Console).showUsage),
	page("/usage/export", authority.UsageRead, (*Console).exportUsage),
	page("/merchants/{merchantId}/usage", authority.UsageRead, (*Console).showUsage),
	page("/merchants/{merchantId}/usage/export", authority.UsageRead, (*Console).exportUsage),
}

const (
	day = 24 * time.Hour
	// topKeys is how many API keys are compared, over topSpan at most.
	topKeys = 10
	topSpan = 31 * day
	// drawnReasons is how many reasons of refusals a chart has a colour for each.
	drawnReasons = 3
)

// usageRange is a time that usage is shown for.
type usageRange struct {
	Name      string // in the query
	Text      string
	Intervals int
	Interval  time.Duration
}

var usageRanges = [...]usageRange{{"24h", "24 hours", 24, time.Hour}, {"7d", "7 days", 7, day}, {"30d", "30 days", 30, day}, {"90d", "90 days", 90, day}}

// usualRange is the one that is shown where none is chosen.
const usualRange = "7d"

// usageChoice is what the query of a page selects.
type usageChoice struct {
	Range usageRange
	Env   string
	Key   *authority.APIKey // one alone; nil for all
	query authority.UsageQuery
}

// readUsageChoice reads the query. What is in it of a merchant's API keys must be
// the merchant's of the path.
func (c *Console) readUsageChoice(v *visit) (*usageChoice, error) {
	query := v.Request.URL.Query()
	name := cmp.Or(query.Get("range"), usualRange)
	i := slices.IndexFunc(usageRanges[:], func(r usageRange) bool { return r.Name == name })
	u := &usageChoice{Env: query.Get("env")}
	known := slices.ContainsFunc(c.choosable(v.merchant), func(env authority.Environment) bool { return env.Name == u.Env })
	if i < 0 || u.Env != "" && !known {
		return nil, authority.ErrNotFound
	}
	u.Range = usageRanges[i]
	to := c.Authority.Now().UTC().Truncate(u.Range.Interval).Add(u.Range.Interval)
	u.query = authority.UsageQuery{From: to.Add(-time.Duration(u.Range.Intervals) * u.Range.Interval), To: to, Interval: u.Range.Interval}
	if v.merchant == nil {
		u.query.All, u.query.Env = true, u.Env
		return u, nil
	}
	id := authority.ClientID(query.Get("key"))
	if id == "" {
		u.query.MerchantID, u.query.Env = v.merchant.ID, u.Env
		return u, nil
	}
	var err error
	if u.Key, err = c.Authority.APIKey(v.Request.Context(), v.actor, id); err == nil && u.Key.MerchantID != v.merchant.ID {
		err = authority.ErrNotFound
	}
	u.query.ClientID = id
	return u, err
}

// readUsage reads the query, and what it selects.
func (c *Console) readUsage(v *visit) (*usageChoice, []authority.UsageCount, error) {
	u, err := c.readUsageChoice(v)
	if err != nil {
		return nil, nil, err
	}
	counts, err := c.Authority.UsageSeries(v.Request.Context(), v.actor, u.query)
	return u, counts, err
}

// usagePage shows how often tokens were issued and refused.
type usagePage struct {
	*usageChoice
	Ranges                 []usageTab
	Issued, Refused, Other int64
	Chart                  usageChart
	Reasons                []reasonCount
	Top                    []topKey
	TopDays                int // over which the API keys are compared
	CSV, AllKeys           string
}

type usageTab struct {
	Text, Link string
	Current    bool
}

// topKey is an API key that was used much.
type topKey struct {
	authority.KeyTotal
	Usage, Page string
}

type reasonCount struct {
	Reason authority.Outcome
	Text   string // in words
	Fix    string // what to do; "" where that is plain
	Count  int64
}

func (c *Console) showUsage(v *visit) error {
	u, counts, err := c.readUsage(v)
	if err != nil {
		return err
	}
	p := usagePage{usageChoice: u, CSV: v.exportAddress("csv"), AllKeys: v.address(map[string]string{"key": ""})}
	for i := range usageRanges {
		r := &usageRanges[i]
		p.Ranges = append(p.Ranges, usageTab{r.Text, v.address(map[string]string{"range": r.Name}), r.Name == u.Range.Name})
	}
	p.add(counts)
	if v.merchant != nil && u.Key == nil {
		if err := c.readTopKeys(v, &p); err != nil {
			return err
		}
	}
	nav := "all-usage"
	if v.merchant != nil {
		nav = "usage"
	}
	return v.render(http.StatusOK, "usage", view{Title: allOf(v, "usage"), Nav: nav, Chart: true, Data: p})
}

// add sums counts up, and makes the chart of them.
func (p *usagePage) add(counts []authority.UsageCount) {
	refused := map[authority.Outcome]int64{}
	for _, n := range counts {
		switch n.Outcome {
		case authority.Issued:
			p.Issued += n.Count
		case authority.Authenticated:
			p.Other += n.Count
		default:
			p.Refused += n.Count
			refused[n.Outcome] += n.Count
		}
	}
	for reason, n := range refused {
		text, fix := reasonText(reason)
		p.Reasons = append(p.Reasons, reasonCount{reason, text, fix, n})
	}
	slices.SortFunc(p.Reasons, func(a, b reasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	p.Chart = newUsageChart(p, counts)
}

// usageChart is the table that a chart is drawn from: a column for issued, for
// each of the most frequent reasons, and for all others.
type usageChart struct {
	Unit   string // "days" or "hours"
	Series []string
	Rows   []usageChartRow
}

type usageChartRow struct {
	Time   time.Time
	Counts []int64 // in the order of Series
}

func newUsageChart(p *usagePage, counts []authority.UsageCount) usageChart {
	c := usageChart{Unit: "days", Series: []string{"Issued"}}
	if p.Range.Interval < day {
		c.Unit = "hours"
	}
	column := map[authority.Outcome]int{authority.Issued: 0}
	for i, r := range p.Reasons {
		switch {
		case i < drawnReasons:
			c.Series = append(c.Series, r.Text)
		case i == drawnReasons:
			c.Series = append(c.Series, "Other refusals")
		}
		column[r.Reason] = len(c.Series) - 1
	}
	for t := p.query.From; t.Before(p.query.To); t = t.Add(p.query.Interval) {
		c.Rows = append(c.Rows, usageChartRow{t, make([]int64, len(c.Series))})
	}
	for _, n := range counts {
		i, known := column[n.Outcome]
		if row := int(n.Time.Sub(p.query.From) / p.query.Interval); known && row >= 0 && row < len(c.Rows) {
			c.Rows[row].Counts[i] += n.Count
		}
	}
	return c
}

// readTopKeys compares the API keys of the merchant, over the last 31 days where
// more is shown.
func (c *Console) readTopKeys(v *visit, p *usagePage) error {
	q := p.query
	if from := q.To.Add(-topSpan); q.From.Before(from) {
		q.From, p.TopDays = from, int(topSpan/day)
	}
	list, err := c.Authority.TopKeys(v.Request.Context(), v.actor, q, topKeys)
	for _, k := range list {
		top := topKey{KeyTotal: k, Usage: v.address(map[string]string{"key": string(k.ClientID)})}
		if k.Status != "deleted" {
			top.Page = merchantPath(v.merchant.ID, "api-keys", k.Env, string(k.ClientID))
		}
		p.Top = append(p.Top, top)
	}
	return err
}

// exportUsage answers with the figures of the page: a line for each time and
// outcome.
func (c *Console) exportUsage(v *visit) error {
	u, counts, err := c.readUsage(v)
	if err != nil {
		return err
	}
	out := plain.NewCSV(v)
	if err := out.Line("time", "outcome", "count"); err != nil {
		return err
	}
	name := fmt.Sprintf("usage-%s-%s.csv", u.Range.Name, c.Authority.Now().UTC().Format("20060102T150405Z"))
	return sendFile(v, name, "text/csv; charset=utf-8", all(counts), func(n authority.UsageCount) error {
		return out.Line(n.Time.UTC().Format(time.RFC3339), string(n.Outcome), strconv.FormatInt(n.Count, 10))
	}, out.Close)
}

// all hands a list on that was read without an error.
func all[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range list {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// reasonTexts say in words why a token was refused, and what to do about it.
var reasonTexts = map[authority.Outcome][2]string{
	authority.Outcome(authority.WrongSecret):        {"Wrong secret", "An old secret after a rotation, or somebody guesses, in vain."},
	authority.Outcome(authority.UnknownID):          {"Deleted or unknown", "Whatever still asks with the API key needs another one."},
	authority.Outcome(authority.SuspendedMerchant):  {"Merchant suspended", "It works again when the merchant is resumed."},
	authority.Outcome(authority.OtherAddress):       {"Network not allowed", "Compare the allowed networks of the API key with where its requests come from."},
	authority.Outcome(authority.SecretExpired):      {"Secret expired", "Rotate, and give the application the new secret."},
	authority.Outcome(authority.KeyExpired):         {"API key expired", "Set a later expiry, or create another API key."},
	authority.Outcome(authority.KeyDisabled):        {"API key disabled", "Enable it, or stop the application that asks."},
	authority.Outcome(authority.RateLimited):        {"Too many requests", "A token is good for many requests: the application should keep it until it expires."},
	authority.Outcome(authority.ScopeNotHeld):       {"Scope not held", "The application asks for a scope that the API key does not have."},
	authority.Outcome(authority.ScopeNone):          {"No scope", "Give the API key a scope for the API that the application asks for."},
	authority.Outcome(authority.ScopeTwoResource):   {"Scopes of two APIs", "A token is for one API: ask twice."},
	authority.Outcome(authority.SecretChecksum):     {"Secret mistyped", "A character is wrong or lacking: copy it again."},
	authority.Outcome(authority.SecretIsID):         {"Secret is the ID", "The application sends the client ID in the place of the secret."},
	authority.Outcome(authority.SecretForm):         {"No secret of ours", "What is sent as the secret does not look like one."},
	authority.Outcome(authority.SecretPlaceholder):  {"Placeholder sent", "The application sends the sample's text in the place of the secret."},
	authority.Outcome(authority.SecretOtherEnv):     {"Secret of another environment", "The secret belongs to an API key of another environment."},
	authority.Outcome(authority.IDOtherEnvironment): {"API key of another environment", "The application asks at the endpoint of another environment."},
}

// reasonText puts a reason in words; one that has none of its own, in its own.
func reasonText(reason authority.Outcome) (text, fix string) {
	if texts, ok := reasonTexts[reason]; ok {
		return texts[0], texts[1]
	}
	return capital(fieldWords(string(reason))), ""
}
