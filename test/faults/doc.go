// Package faults lets the worst happen to the real product, again and again,
// and then compares what it had acknowledged with what is left: with
// the embedded database; with two nodes on PostgreSQL
// behind HAProxy.
//
// What was acknowledged is kept outside the product; what is left is read from
// the database, beside the product, and asked of every node. The short runs, which
// every change gets, judge what was lost and what was answered; how long things
// take is judged by make proof alone.
package faults
