package main

import (
	"fmt"
	"go/token"
	"go/types"
	"strings"
)

// operator is what an operator of two operands becomes.
type operator struct {
	name    string // of the function that takes its place
	operand types.BasicInfo
	becomes token.Token
}

var operators = map[token.Token]operator{
	token.LSS: {"mutantLess", types.IsOrdered, token.LEQ},
	token.LEQ: {"mutantLessOrEqual", types.IsOrdered, token.LSS},
	token.GTR: {"mutantMore", types.IsOrdered, token.GEQ},
	token.GEQ: {"mutantMoreOrEqual", types.IsOrdered, token.GTR},

	token.LAND: {"mutantBoth", types.IsBoolean, token.LOR},
	token.LOR:  {"mutantEither", types.IsBoolean, token.LAND},

	token.ADD: {"mutantSum", types.IsNumeric, token.SUB},
	token.SUB: {"mutantDifference", types.IsNumeric, token.ADD},
	token.MUL: {"mutantProduct", types.IsNumeric, token.QUO},
	token.QUO: {"mutantQuotient", types.IsNumeric, token.MUL},

	token.REM:     {"mutantRemainder", types.IsInteger, token.MUL},
	token.AND:     {"mutantAnd", types.IsInteger, token.OR},
	token.OR:      {"mutantOr", types.IsInteger, token.AND},
	token.XOR:     {"mutantXor", types.IsInteger, token.AND},
	token.AND_NOT: {"mutantAndNot", types.IsInteger, token.AND},
	token.SHL:     {"mutantLeft", types.IsInteger, token.SHR},
	token.SHR:     {"mutantRight", types.IsInteger, token.SHL},
}

// opposite is what a comparison becomes that is turned round.
var opposite = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LSS: token.GEQ, token.GEQ: token.LSS,
	token.GTR: token.LEQ, token.LEQ: token.GTR,
}

// assigned are the operators that assign, as those that only compute.
var assigned = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB, token.MUL_ASSIGN: token.MUL, token.QUO_ASSIGN: token.QUO,
	token.REM_ASSIGN: token.REM, token.AND_ASSIGN: token.AND, token.OR_ASSIGN: token.OR, token.XOR_ASSIGN: token.XOR,
	token.AND_NOT_ASSIGN: token.AND_NOT, token.SHL_ASSIGN: token.SHL, token.SHR_ASSIGN: token.SHR,
}

// awake is what each package of mutants gets besides: which mutant is awake is in the
// environment. So that a test can be asked what it comes across, each mutant it
// meets is written down, once.
const awake = `
import (
	mutantOS "os"
	mutantStrconv "strconv"
	mutantSync "sync"
)

var (
	mutantAwake   = mutantNumber()
	mutantReached = mutantOS.Getenv("MUTANT_REACHED")
	mutantSeen    mutantSync.Map
)

func mutantNumber() int {
	n, err := mutantStrconv.Atoi(mutantOS.Getenv("MUTANT"))
	if err != nil {
		return -1
	}
	return n
}

func mutantOn(id int) bool {
	if mutantReached != "" {
		mutantTell(id)
	}
	return mutantAwake == id
}

func mutantTell(id int) {
	if _, seen := mutantSeen.LoadOrStore(id, true); seen {
		return
	}
	f, err := mutantOS.OpenFile(mutantReached, mutantOS.O_WRONLY|mutantOS.O_APPEND|mutantOS.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	if _, err := f.WriteString(mutantStrconv.Itoa(id) + "\n"); err != nil {
		panic(err)
	}
	_ = f.Close()
}

func mutantZero[T any](id int, v T) T {
	if mutantOn(id) {
		var none T
		return none
	}
	return v
}
`

// switchFile is the text of the file that each package of mutants gets.
func switchFile(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n%s", name, awake)
	const (
		integers = "~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr"
		floats   = " | ~float32 | ~float64"
	)
	for op, o := range operators {
		params, x, y := "T any", "T", "T"
		left, right := "x", "y"
		switch {
		case op == token.LAND || op == token.LOR: // the right side is not always looked at
			params, x, y, right = "T ~bool", "T", "func() T", "y()"
		case op == token.SHL || op == token.SHR:
			params, y = "T, S "+integers, "S"
		case o.operand == types.IsInteger:
			params = "T " + integers
		case o.operand == types.IsNumeric:
			params = "T " + integers + floats
		case o.operand == types.IsOrdered:
			params = "T " + integers + floats + " | ~string"
		}
		result := "T"
		if o.operand == types.IsOrdered {
			result = "bool"
		}
		fmt.Fprintf(&b, "\nfunc %s[%s](id int, x %s, y %s) %s {\n\tif mutantOn(id) {\n\t\treturn %s %s %s\n\t}\n\treturn %s %s %s\n}\n",
			o.name, params, x, y, result, left, o.becomes, right, left, op, right)
	}
	return b.String()
}
