package chaos

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// wireWatch asks for both addresses a thousand times a second, and listens to
// what answers, and to the adverts.
type wireWatch struct {
	epoch   time.Time
	asking  [families]*lab.OwnerWatch
	sniffer *lab.Sniffer
	number  map[string]int // of a router by its name

	mu      sync.Mutex
	adverts []advert
	source  map[netip.Addr]int
}

func watchWire(s *site) (*wireWatch, error) {
	w := &wireWatch{epoch: s.epoch, number: map[string]int{}, source: map[netip.Addr]int{}}
	for i, r := range s.routers {
		w.number[r.Name] = i
		w.source[r.nic.LinkLocal()] = i
		for _, p := range r.before {
			w.source[p.Addr()] = i
		}
	}
	var err error
	if w.sniffer, err = s.lan.SniffVRRP(w.heard); err != nil {
		return nil, err
	}
	if w.asking[ipv4], err = s.lan.WatchARP(s.clientNIC, vips[ipv4], 0); err != nil {
		return nil, err
	}
	w.asking[ipv6], err = s.lan.WatchND(s.clientNIC, vips[ipv6], 0)
	return w, err
}

// heard takes an advert where it enters the switch, and where it leaves it to a router.
func (w *wireWatch) heard(f lab.Frame) bool {
	v, ok := lab.ParseVRRP(f.Data)
	if !ok {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	from, ok := w.source[v.SourceIP]
	if !ok {
		return false
	}
	a := advert{at: f.At.Sub(w.epoch), from: from, to: everybody, priority: v.Priority()}
	if v.SourceIP.Is6() {
		a.family = ipv6
	}
	if f.Direction == lab.Out {
		if a.to, ok = w.number[f.Host]; !ok {
			return false
		}
	}
	w.adverts = append(w.adverts, a)
	return false // all is recorded
}

// stop ends the asking, and puts what was heard into the record.
func (w *wireWatch) stop(r *record) error {
	var errs []error
	for family, a := range w.asking {
		report := a.Stop()
		if report.CaptureDrops > 0 || report.SendErrors > 0 {
			errs = append(errs, errors.New("the client's questions or their answers were lost on the way to the record"))
		}
		for i, sent := range report.SentAt {
			at := sent.Sub(w.epoch)
			if i > 0 && at-r.asked[family][i-1] > blindAfter {
				r.pauses = append(r.pauses, pause{span{r.asked[family][i-1], at}, "the asking"})
			}
			r.asked[family] = append(r.asked[family], at)
		}
		for _, answered := range report.Answers {
			if router, ok := w.number[answered.Host]; ok {
				r.answers[family] = append(r.answers[family], answer{r.asked[family][answered.RequestSeq], answered.At.Sub(w.epoch), router})
			}
		}
	}
	w.sniffer.Stop()
	r.adverts = w.adverts
	return errors.Join(errs...)
}
