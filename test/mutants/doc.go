// Command mutants tells whether the tests would see it if a rule were another
// one: R-54. It changes the packages that decide what a token is worth, one
// small thing at a time (a condition turned round, a limit moved by one, an
// error not returned, a statement left out), and runs the tests of that
// package. A mutant is killed if a test fails; one that survives shows a line
// that nobody holds to anything, unless survivors.txt says why nobody could.
//
//	cd test && go run ./mutants
//	cd test && go run ./mutants -only internal/jose
//	cd test && go run ./mutants -sample 20
//
// All mutants of a package are compiled into one test binary, each asleep
// until the environment variable names its number: compiling each for itself
// takes longer than all tests. The same binary tells which test comes across
// which mutant, so a mutant meets those tests only, the quick ones first.
package main
