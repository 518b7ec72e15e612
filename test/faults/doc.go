// Package faults lets the worst happen to the real product, again and again,
// and then compares what it had acknowledged with what is left.
//
// What was acknowledged is kept outside the product; what is left is read with
// the sqlite3 command and asked of the restarted server.
package faults
