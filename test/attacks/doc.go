// Package attacks lets outsiders do their worst to the real product while its
// clients ask for tokens beside them: slow clients, bodies and headers that are
// too much, floods of HTTP/2 and of handshakes, guesses, sign-ins, bursts of
// revocations, and whatever the server itself asks elsewhere.
//
// A server has 512 MiB of memory there, if the machine can keep it to that. The
// short runs, which every change gets, judge what is answered, what is held, and
// that attackers are shown out; what tokens take meanwhile is judged by make proof
// alone.
package attacks
