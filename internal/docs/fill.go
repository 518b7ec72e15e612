package docs

import "strings"

// What pages and openapi.yaml say of the installation that they are written for.
// The reader's own stands in their place when they are served.
const (
	sampleBase      = "https://auth.example.com"
	sampleFirst     = "demo"
	sampleSecond    = "production"
	samplePrefix    = "tw"
	sampleAlgorithm = "ES256"
)

// filling writes what is the installation's own over what is the sample's.
type filling struct {
	text  *strings.Replacer // within texts of the OpenAPI document
	page  *strings.Replacer // within Markdown, where names of environments stand in code
	names map[string]string // texts that are the name of an environment
}

func (c *Config) filling() filling {
	first, second := c.Environments[0], c.Environments[min(1, len(c.Environments)-1)]
	f := filling{names: map[string]string{sampleFirst: first.Name, sampleSecond: second.Name}}
	prefix := c.prefix()
	var text, page []string
	for _, e := range []struct {
		sample string
		Environment
	}{{sampleFirst, first}, {sampleSecond, second}} {
		issuer := sampleBase + "/" + e.sample
		metadata := sampleBase + "/.well-known/oauth-authorization-server/" + e.sample
		text = appendURL(text, metadata, e.Metadata(), issuer+"/api", e.Audience, issuer, e.Issuer)
		text = append(text, samplePrefix+"c_"+e.sample+"_", prefix+"c_"+e.Name+"_", samplePrefix+"s_"+e.sample+"_", prefix+"s_"+e.Name+"_")
		for _, around := range [][2]string{{"`", "`"}, {`"`, `"`}, {"'", "'"}, {"--env ", ""}, {"env=", ""}, {"env: ", ""}} {
			page = append(page, around[0]+e.sample+around[1], around[0]+e.Name+around[1])
		}
	}
	text = appendURL(text, sampleBase, c.BaseURL)
	text = append(text, samplePrefix+"c_", prefix+"c_", samplePrefix+"s_", prefix+"s_")
	for _, quote := range []string{`"`, "'"} {
		page = append(page, quote+sampleAlgorithm+quote, quote+first.Algorithm+quote)
	}
	f.text, f.page = strings.NewReplacer(text...), strings.NewReplacer(append(text, page...)...)
	return f
}

// appendURL adds pairs of old and new addresses. One with characters that mean
// something to a shell, to Markdown or to a programming language is left out: the
// sample stays a sample.
func appendURL(pairs []string, list ...string) []string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%:/[]"
	for i := 0; i+1 < len(list); i += 2 {
		if list[i+1] != "" && strings.Trim(list[i+1], plain) == "" {
			pairs = append(pairs, list[i], list[i+1])
		}
	}
	return pairs
}

func (c *Config) prefix() string {
	if c.Prefix == "" {
		return samplePrefix
	}
	return c.Prefix
}
