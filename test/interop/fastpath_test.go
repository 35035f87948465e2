package interop

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const loopback = 1 // ifindex, in every network namespace; there Run has its frames arrive

func TestTheFastPathReadsWhatOthersSend(t *testing.T) {
	// No subtests: they would run on other threads, outside of the namespace.
	must(t, lab.ForTest(t).Host("ours").Do(func() error {
		f, err := openFastPath()
		if err != nil {
			return errors.Join(err, f.close())
		}
		for _, s := range speakers {
			for _, hook := range []datapath.Hook{datapath.HookXDP, datapath.HookIngress} {
				if err := f.replay(s, hook, readCapture(t, s)); err != nil {
					t.Errorf("%s, hook %s: %v", s.name, hook, err)
				}
			}
		}
		return f.close()
	}))
}

// fastPath is the programs in the namespace of a host. No frame of it reaches a wire.
type fastPath struct {
	datapath *datapath.Datapath
	events   *datapath.Events
}

// openFastPath is called in the host's namespace. What it returns with an error has to be closed, too.
func openFastPath() (f fastPath, err error) {
	if f.datapath, err = datapath.Open(datapath.Options{Interfaces: []string{"lo"}}); err != nil {
		return f, err
	}
	// Attached only so that the interface has counters.
	if _, err = f.datapath.Attach("lo", datapath.TC); err != nil {
		return f, err
	}
	f.events, err = f.datapath.Events()
	return f, err
}

func (f fastPath) close() error {
	var errs []error
	if f.events != nil {
		errs = append(errs, f.events.Close())
	}
	if f.datapath != nil {
		errs = append(errs, f.datapath.Close(false))
	}
	return errors.Join(errs...)
}

// replay has the frames arrive where the speaker's virtual router is configured, and no other.
func (f fastPath) replay(s speaker, hook datapath.Hook, frames []lab.Frame) error {
	a := s.advert
	family := vrrp.FamilyOf(a.Addresses[0])
	router, err := f.datapath.AddRouter(datapath.RouterSpec{
		Interface: loopback, VRID: a.VRID, Family: uint8(family), Version: uint8(a.Version),
		VirtualMAC: vrrp.VirtualMAC(family, a.VRID), Addresses: a.Addresses, Interval: a.Interval, Unicast: s.unicast,
	})
	if err != nil {
		return err
	}
	errs := []error{f.run(hook, frames)}
	if s.unicast { // left to IP: the daemon has a socket for it
		errs = append(errs, wantCounted(router, 0, nil), f.wantEvents(router, nil))
	} else {
		errs = append(errs, wantCounted(router, uint64(len(frames)), s.oddities(len(frames))), f.wantEvents(router, frames))
	}
	return errors.Join(append(errs, router.Remove())...)
}

// oddities are what is accepted and counted: keepalived sends from the MAC of the interface unless told otherwise.
func (s speaker) oddities(frames int) map[string]uint64 {
	if s.mac == speakerMAC {
		return map[string]uint64{"source_mac": uint64(frames)}
	}
	return nil
}

func (f fastPath) run(hook datapath.Hook, frames []lab.Frame) error {
	for i, frame := range frames {
		out, err := f.datapath.Run(hook, frame.Data, 1)
		if err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
		if out.Verdict != datapath.Pass || !bytes.Equal(out.Frame, frame.Data) {
			return fmt.Errorf("frame %d: verdict %s, frame % x, want it to pass unchanged", i, out.Verdict, out.Frame)
		}
	}
	return nil
}

// wantCounted wants so many adverts received, these oddities, and none dropped.
func wantCounted(router *datapath.Router, received uint64, odd map[string]uint64) error {
	c, err := router.Counters()
	if err != nil {
		return err
	}
	isZero := func(_ string, n uint64) bool { return n == 0 }
	maps.DeleteFunc(c.AdvertsOdd, isZero)
	maps.DeleteFunc(c.AdvertsDropped, isZero)
	if c.AdvertsReceived != received || !maps.Equal(c.AdvertsOdd, odd) || len(c.AdvertsDropped) > 0 {
		return fmt.Errorf("received %d, odd %v, dropped %v, want %d, %v, none", c.AdvertsReceived, c.AdvertsOdd, c.AdvertsDropped, received, odd)
	}
	return nil
}

// wantEvents wants one for every frame, with what the frame holds.
func (f fastPath) wantEvents(router *datapath.Router, frames []lab.Frame) error {
	var errs []error
	seen := 0
	err := f.events.Drain(func(e datapath.Event) {
		if seen < len(frames) {
			want, _ := lab.ParseVRRP(frames[seen].Data)
			if e.Kind != datapath.EventAdvert || e.Slot != router.Slot() || e.Source != want.SourceIP ||
				lab.MAC(e.Hardware) != want.Source || e.TTL != want.TTL || !bytes.Equal(e.PDU, want.PDU) {
				errs = append(errs, fmt.Errorf("event %d is %+v, want the advert %+v", seen, e, want))
			}
		}
		seen++
	})
	if seen != len(frames) {
		errs = append(errs, fmt.Errorf("%d events, want %d", seen, len(frames)))
	}
	return errors.Join(append(errs, err)...)
}
