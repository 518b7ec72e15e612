package console_test

import "strings"

// naughty are names that people may give, and that are something else where they
// are not kept text (C-198). See the Big List of Naughty Strings.
var naughty = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `{{.CSRF}} ${7*7} %s`, `javascript:alert(1)`,
	`</title></textarea><svg/onload=alert(1)>`, `<!--`, `&lt;b&gt;&amp;`, `=HYPERLINK("http://x.example","x")`, `@SUM(1+1)`, `-1+1`, `+1`,
	`%3Cscript%3E`, `undefined`, `a,b;c`, `Ω≈ç√∫˜µ≤≥÷`, `田中さんにあげて下さい`, `שלום עולם`, `😀👩‍👩‍👧‍👦 ﷽`, `Ṱ̺̺̕o͞ ̷i̲̬͇`,
	strings.Repeat("W", 100), `a` + strings.Repeat("\u0300", 99),
}
