// Package notify tells others about transitions: scripts, FIFOs and mail, in
// order, one at a time for each instance, never in the way of whoever tells it.
package notify
