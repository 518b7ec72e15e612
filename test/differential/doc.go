// Package differential reads the same tokens and key sets with internal/jose
// and with the libraries that resource servers use: go-jose, golang-jwt and
// jwx, each in the strictest way it documents. What ours accepts they accept
// too, and read the same out of it; what they accept beyond is listed, with
// the reason for which ours does not.
package differential
