package control

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
)

// manyLinks is fakeLinks with more interfaces, and a hook in PrimaryAddress.
type manyLinks struct {
	*fakeLinks
	m       sync.Mutex
	extra   map[string]netio.LinkInfo
	primary func() error
}

func (l *manyLinks) Link(name string) (netio.LinkInfo, error) {
	l.m.Lock()
	defer l.m.Unlock()
	if i, ok := l.extra[name]; ok {
		return i, nil
	}
	return l.fakeLinks.Link(name)
}

func (l *manyLinks) PrimaryAddress(i int, x []netip.Addr) (netip.Addr, error) {
	l.m.Lock()
	hook := l.primary
	l.primary = nil
	l.m.Unlock()
	a, err := l.fakeLinks.PrimaryAddress(i, x)
	if hook != nil {
		if e := hook(); e != nil {
			return netip.Addr{}, e
		}
	}
	return a, err
}

func (h *host) many() *manyLinks {
	m := &manyLinks{fakeLinks: h.links, extra: map[string]netio.LinkInfo{}}
	h.world.Links = m
	h.world.Attach = func(name string) (netio.LinkInfo, error) {
		l, err := m.Link(name)
		if err == nil && !h.attached[name] {
			h.attached[name] = true
		}
		return l, err
	}
	return m
}

func on(name string) func(*InstanceConfig) {
	return func(c *InstanceConfig) { c.Interface = name }
}

func TestTheLastInstanceOnAnInterfaceIsRemovedWithIt(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		m := h.many()
		m.extra["wan0"] = netio.LinkInfo{Index: 9, Name: "wan0", MAC: [6]byte{2, 9}, Up: true}
		h.world.Release = func(name string) error { // as datapath.Release
			link, _ := m.Link(name)
			for _, p := range h.paths {
				if !p.removed.Load() && p.spec.Interface == link.Index {
					h.note("RELEASE REFUSED %s", name)
					return errors.New("virtual routers are installed on it")
				}
			}
			return h.release(name)
		}
		h.install(instanceOf(1, 100), instanceOf(2, 100, on("wan0")))
		h.start() // both BACKUP
		h.reload(instanceOf(1, 100))
		elapse(5 * time.Second)
		lines := h.journal()
		mustSay(t, lines, 1, "^release wan0")
		mustSay(t, lines, 0, "REFUSED")
	})
}

func TestAnInstanceGoesFromMulticastToUnicast(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		h := l.newHost(t, 1)
		p.box(h, h.links.primary[0])
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		h.reload(instanceOf(1, 100, func(c *InstanceConfig) {
			c.Router.Peers = []netip.Addr{netip.MustParseAddr("198.51.100.2")}
		}))
		elapse(down)
		h.mustBe("MASTER")
	})
}

func TestAnInstanceThatIsPutBackWhileItLeavesIsServed(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.many()
		var wait chan struct{}
		ended := make(chan struct{})
		attach := h.world.Attach
		h.world.Attach = func(n string) (netio.LinkInfo, error) {
			if wait != nil {
				<-wait
			}
			return attach(n)
		}
		h.world.Notify = func(ev notify.Event) {
			if ev.State == "DELETED" {
				close(ended)
			}
		}
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		h.reload(instanceOf(2, 100))
		wait = ended
		err := h.engine.Reload(t.Context(), []InstanceConfig{instanceOf(1, 100), instanceOf(2, 100)})
		if err != nil {
			t.Errorf("reload: %v", err)
		}
		wait = nil
		h.journal()
		elapse(5 * down)
		for _, s := range h.status() {
			t.Log(s.Name, s.State, "sent", s.Counters.AdvertsSent, s.Counters.Transitions)
		}
		if err := h.engine.Reload(t.Context(), []InstanceConfig{instanceOf(1, 100), instanceOf(2, 100)}); err != nil {
			t.Errorf("again: %v", err)
		}
		elapse(5 * down)
		installed := 0
		for _, p := range h.paths {
			if !p.removed.Load() && p.spec.VRID == 1 {
				installed++
			}
		}
		t.Log("after a second reload: paths of vrid 1:", installed)
		t.Log(strings.Join(h.journal(), "\n"))
	})
}

func TestAnOldReadingDoesNotOverrideTheNews(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		m := h.many()
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		m.primary = func() error { time.Sleep(time.Second); return nil }
		done := make(chan error)
		go func() {
			done <- h.engine.Reload(t.Context(), []InstanceConfig{instanceOf(1, 100, with("192.0.2.50/24"))})
		}()
		elapse(500 * time.Millisecond)
		h.links.set(false)
		elapse(latency)
		h.mustBe("FAULT")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		elapse(down)
		h.mustBe("FAULT")
	})
}

func TestALinkThatComesUpDuringAReloadIsNoticed(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		m := h.many()
		wan := netio.LinkInfo{Index: 9, Name: "wan0", MAC: [6]byte{2, 9}, Up: false}
		m.extra["wan0"] = wan
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		m.primary = func() error { time.Sleep(time.Second); return nil }
		done := make(chan error)
		go func() {
			done <- h.engine.Reload(t.Context(), []InstanceConfig{instanceOf(1, 100), instanceOf(2, 100, on("wan0"))})
		}()
		elapse(500 * time.Millisecond)
		m.m.Lock()
		wan.Up = true
		m.extra["wan0"] = wan
		m.m.Unlock()
		h.links.events <- netio.LinkEvent{Index: 9, Name: "wan0"}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		elapse(10 * time.Minute)
		h.mustBe("MASTER MASTER")
	})
}

func TestAQuestionThatFailsDuringAReloadIsNoFault(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		m := h.many()
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		m.primary = func() error { return errors.New("dump interrupted") }
		err := h.engine.Reload(t.Context(), []InstanceConfig{instanceOf(1, 100, with("192.0.2.50/24"))})
		t.Log("reload:", err)
		elapse(10 * time.Minute)
		h.mustBe("MASTER")
	})
}

func TestARemovedInstanceLeavesNoMemberships(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		count := map[string]int{}
		var mu sync.Mutex
		h.world.Join = func(i int, groups []netip.Addr, macs ...[6]byte) (io.Closer, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range macs {
				count[FormatMAC(m)]++
			}
			return leave(func() error {
				mu.Lock()
				defer mu.Unlock()
				for _, m := range macs {
					count[FormatMAC(m)]--
				}
				return nil
			}), nil
		}
		h.install(instanceOf(1, 100), instanceOf(2, 100))
		h.start()
		h.reload(instanceOf(2, 100))
		elapse(10 * time.Minute)
		if count["00:00:5e:00:01:01"] != 0 {
			t.Error("still in the filter:", count)
		}
	})
}

func TestAStopDuringAReloadLeavesNothing(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.many()
		var slow time.Duration
		attach := h.world.Attach
		h.world.Attach = func(n string) (netio.LinkInfo, error) { time.Sleep(slow); return attach(n) }
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		slow = 10 * time.Second
		done := make(chan error)
		go func() { done <- h.engine.Reload(t.Context(), []InstanceConfig{instanceOf(1, 100), instanceOf(2, 100)}) }()
		elapse(latency)
		h.engine.Stop()
		<-h.running
		n := len(h.paths)
		t.Log(<-done)
		if len(h.paths) != n {
			t.Errorf("Run had returned, and then %d routers were installed", len(h.paths)-n)
		}
	})
}

type indexBook struct {
	*fakeBook
	mu sync.Mutex
	at map[string]int
}
