// Package config reads the VRRP part of keepalived.conf: the language that users
// of gateways know, with its keywords, units and defaults. What a file says is
// all understood, and all that is wrong with it is found, before anything runs.
package config
