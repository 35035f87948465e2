package chaos

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// do makes one fault, and mends it.
func (s *site) do(f *fault, st step) (detail string, err error) {
	if st.router == everybody {
		return s.doToMachine(st)
	}
	r := s.routers[st.router]
	if st.kind.track == cableTrack {
		return r.doToCable(st), nil
	}
	if !r.daemon.Running() {
		return "", fmt.Errorf("its daemon is gone, by itself:\n%s", r.daemon.Log())
	}
	return r.doToDaemon(f, st)
}

func (r *router) doToDaemon(f *fault, st step) (detail string, err error) {
	switch st.kind {
	case freeze:
		if err := r.daemon.Freeze(); err != nil {
			return "", err
		}
		time.Sleep(st.length)
		return st.length.Round(ms).String(), r.daemon.Thaw()
	case killShort, killLong:
		return r.startAgain(unix.SIGKILL, 128+int(unix.SIGKILL), st.length)
	case restart:
		return r.startAgain(unix.SIGQUIT, 0, st.length)
	case stop:
		defer func() {
			for family := range families {
				f.left[family] = []span{{f.from, r.site.now()}}
			}
		}()
		return r.startAgain(unix.SIGTERM, 0, st.length)
	case upgrade:
		_, err := r.Run(r.site.binary, "upgrade")
		return "", err
	case handover:
		return r.handOver(f, st.length)
	case reload:
		r.variant = 1 + int(st.dice[0]*30)
		if err := r.write(); err != nil {
			return "", err
		}
		_, err := r.Run(r.site.binary, "reload")
		return fmt.Sprintf("variant %d", r.variant), err
	}
	panic("chaos: no way to do: " + st.kind.name)
}

// startAgain ends the daemon with a signal, which gives this exit status, and
// starts another one.
func (r *router) startAgain(sig syscall.Signal, status int, after time.Duration) (detail string, err error) {
	if err := r.daemon.Signal(sig); err != nil {
		return "", err
	}
	if err := r.ended(status); err != nil {
		return "", err
	}
	time.Sleep(after)
	return "back after " + after.Round(ms).String(), r.start()
}

// handOver switches both instances over, and ends that after a while. Where no
// other router answers they stay master, and the command says so by its exit
// status: that is as it should be.
func (r *router) handOver(f *fault, keptOut time.Duration) (detail string, err error) {
	detail = keptOut.Round(ms).String()
	instances := [families]string{"V4", "V6"}
	var from [families]time.Duration
	var kept [families]bool
	// gone notes that a family, or the whole group, left from then until now.
	gone := func(family int, from time.Duration) {
		for other := range families {
			if other == family || r.site.setup.grouped {
				f.left[other] = join(append(f.left[other], span{from, r.site.now()}))
			}
		}
	}
	for family, instance := range instances {
		from[family] = r.site.now()
		_, err := r.Run(r.site.binary, "switchover", instance, "--until-told")
		if kept[family] = err == nil; err != nil {
			detail += fmt.Sprintf("; %s: %v", instance, err)
		}
		gone(family, from[family])
	}
	time.Sleep(keptOut)
	for family, instance := range instances {
		if _, err := r.Run(r.site.binary, "switchover", instance, "--end"); err != nil {
			detail += fmt.Sprintf("; %s --end: %v", instance, err)
		}
		if kept[family] {
			gone(family, from[family])
		}
	}
	return detail, nil
}

// doToCable does what can only fail with the lab itself.
func (r *router) doToCable(st step) (detail string) {
	detail = st.length.Round(ms).String()
	switch st.kind {
	case cut:
		r.nic.Cut()
		time.Sleep(st.length)
		r.nic.Restore()
	case silence:
		r.nic.Silence()
		time.Sleep(st.length)
		r.nic.Unsilence()
	case linkFlaps:
		r.flap(st, r.nic.Cut, r.nic.Restore)
	case portFlaps:
		r.flap(st, r.nic.Silence, r.nic.Unsilence)
	case mute:
		r.lose(st.length, 1, 0)
	case deaf:
		r.lose(st.length, 0, 1)
	case lossy:
		detail = fmt.Sprintf("%.0f %% from it, %.0f %% to it, %s", 50*st.dice[0], 50*st.dice[1], detail)
		r.lose(st.length, st.dice[0]/2, st.dice[1]/2)
	default:
		panic("chaos: no way to do: " + st.kind.name)
	}
	return detail
}

func (r *router) lose(d time.Duration, from, to float64) {
	r.nic.Lose(from, to)
	time.Sleep(d)
	r.nic.Lose(0, 0)
}

// flap goes off and on, each for a part of the time that grows.
func (r *router) flap(st step, off, on func()) {
	end := time.Now().Add(st.length)
	for pause := 5*ms + time.Duration(st.dice[0]*float64(20*ms)); time.Now().Before(end); pause += pause / 2 {
		off()
		time.Sleep(pause)
		on()
		time.Sleep(time.Duration(st.dice[1] * float64(pause)))
	}
}

func (s *site) doToMachine(st step) (detail string, err error) {
	switch st.kind {
	case hogs:
		running, err := hog(s.client)
		time.Sleep(st.length)
		if ended := endHogs(running); err == nil {
			err = ended
		}
		return fmt.Sprintf("%d for %v", len(running), st.length.Round(ms)), err
	case clockSteps:
		// Longer than any packet waits: such times are not taken for ages of packets.
		step := 10*time.Second + time.Duration(st.dice[0]*float64(time.Hour))
		if st.dice[1] < 0.5 {
			step = -step
		}
		return fmt.Sprintf("%v for %v", step.Round(time.Second), st.length.Round(ms)), stepClock(step, st.length)
	}
	panic("chaos: no way to do: " + st.kind.name)
}
