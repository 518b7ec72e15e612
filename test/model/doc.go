// Package model lets two nodes work on one database at once, in one process,
// and holds what they answered against a model of what they promise: R-33.
//
// A node here is what a server has inside: an authority.Authority with a store
// and a directory of its own, which follows the events. Nothing else is known
// of the product but what these two state.
package model
