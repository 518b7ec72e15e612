// Package load holds the product against the load that it must bear.
// The short runs, which every change gets, judge what is answered; how much, how
// fast and for how long is judged by make proof alone, on a machine that carries
// servers, databases and their clients together.
package load
