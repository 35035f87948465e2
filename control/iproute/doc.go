// Package iproute knows addresses, routes and rules in the words of ip(8), as
// keepalived's virtual_ipaddress, virtual_routes and virtual_rules are written.
// It only reads text: package netio tells the kernel.
package iproute
