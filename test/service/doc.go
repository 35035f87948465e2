// Package service holds tests of what `make install` installs, and of the unit
// that systemd runs.
package service
