package conf

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

var _ = covers(inInstance, "allowed_sources")

// Adverts of those on the list count, and their priority 255 if they are owners.
func TestWhoseAdvertsCountWhereThereIsAList(t *testing.T) {
	const listed, other = "192.168.1.3", "192.168.1.99"
	tests := []struct {
		body     string
		source   string
		priority uint8
		counts   bool
	}{
		{"", other, 255, true},
		{"allowed_sources {\n192.168.1.3\n}", listed, 250, true},
		{"allowed_sources {\n192.168.1.3\n}", listed, 255, false},
		{"allowed_sources {\n192.168.1.3 owner\n}", listed, 255, true},
		{"allowed_sources {\n192.168.1.3 owner\n}", other, 250, false},
	}
	t.Parallel()
	s := newSite(t)
	config := ""
	for i, test := range tests {
		config += numbered(i+1, calm+test.body)
	}
	s.r1.run(config)
	s.r1.await(strings.TrimSpace(strings.Repeat("MASTER ", len(tests))))
	for i, test := range tests {
		a := s.advertOf(test.priority)
		a.VRID, a.Addresses, a.Interval = uint8(i+1), []netip.Addr{addressOf(i + 1)}, 40*time.Second
		s.send(a, groupMAC, parse(test.source), group4, vrrp.TTL)
	}
	for i, test := range tests {
		s.checkCounted(nameOf(i+1), fmt.Sprintf("%q, priority %d from %s", test.body, test.priority, test.source), test.counts)
	}
}
