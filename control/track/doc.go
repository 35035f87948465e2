// Package track watches what moves a priority: scripts, interfaces, processes,
// files, and, without a script, ping, TCP, HTTP and routes.
package track
