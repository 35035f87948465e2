package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// routingTable is the number of a routing table that this host has a name for;
// those that every host has, package iproute knows.
func routingTable(name string) (uint32, bool) {
	files, _ := filepath.Glob("/etc/iproute2/rt_tables.d/*.conf") // a bad pattern it is not
	for _, file := range append([]string{"/usr/share/iproute2/rt_tables", "/etc/iproute2/rt_tables"}, files...) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "#")
			fields := strings.Fields(line)
			if len(fields) != 2 || fields[1] != name {
				continue
			}
			if number, err := strconv.ParseUint(fields[0], 0, 32); err == nil {
				return uint32(number), true
			}
		}
	}
	return 0, false
}
