// Package house has no code: its tests hold what docs/architecture.md says about
// which package imports which, and what lies where.
package house
