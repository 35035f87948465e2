package interop

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var update = flag.Bool("update", false, "record the captures in testdata again, from the daemons that are installed")

// recorded is how many adverts of a master a capture holds; one more follows, its farewell.
const recorded = 3

func captureFile(s speaker) string { return filepath.Join("testdata", s.name+".pcap") }

func TestRecordCaptures(t *testing.T) {
	if !*update {
		t.Skip("records only with -update")
	}
	for _, s := range speakers {
		t.Run(s.name, func(t *testing.T) {
			l := lab.ForTest(t)
			lan := l.Switch("lan")
			nic := l.Host("speaker").Connect(lan, "eth0", "192.0.2.1/24", "2001:db8::1/64")
			l.Host("peer").Connect(lan, "eth0", "192.0.2.2/24", "2001:db8::2/64")
			must(t, lab.WritePcap(captureFile(s), record(t, s, nic)))
		})
	}
}

// record lets the speaker become master, say so for a while, and leave.
func record(t *testing.T, s speaker, nic *lab.NIC) []lab.Frame {
	t.Helper()
	sniffer, err := nic.Sniff(lab.SentVRRP)
	must(t, err)
	daemon := s.start(t, nic, s.advert)
	heard := 0
	_, err = sniffer.Await(20*time.Second, func(lab.Frame) bool { heard++; return heard == recorded })
	must(t, err)
	must(t, daemon.Stop())
	_, err = daemon.Wait(5 * time.Second)
	must(t, err)
	all := sniffer.Stop()
	frames := all[:recorded:recorded]
	for _, f := range all[recorded:] {
		if advert, _ := lab.ParseVRRP(f.Data); advert.Priority() == 0 {
			return append(frames, f)
		}
	}
	t.Fatalf("%d adverts, and no farewell among them", len(all))
	return nil
}
