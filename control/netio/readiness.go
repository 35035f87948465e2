package netio

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// readiness tells a goroutine through a channel that files can be read, and reads nothing itself.
type readiness struct {
	poll    []unix.PollFd // the files, and at last a wake-up for close
	ready   chan struct{}
	resume  chan struct{}
	closing chan struct{}
	done    chan struct{}
}

// watchReadiness watches the files until it is closed. They must stay open until then; a negative one is left out.
func watchReadiness(fds ...int) (*readiness, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make a wake-up for sockets: %w", err)
	}
	r := &readiness{
		ready:   make(chan struct{}),
		resume:  make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	for _, fd := range append(fds, wake) {
		r.poll = append(r.poll, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	go r.watch()
	return r, nil
}

// watch sleeps after it has told, so that files that nobody reads yet cost nothing.
func (r *readiness) watch() {
	defer close(r.done)
	for r.wait() {
		select {
		case r.ready <- struct{}{}:
			select {
			case <-r.resume:
			case <-r.closing:
			}
		case <-r.resume: // drained before anybody asked
		case <-r.closing:
		}
	}
}

// wait blocks until a file can be read or close was called, and tells which.
func (r *readiness) wait() bool {
	for {
		_, err := unix.Poll(r.poll, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && r.wakeUp().Revents == 0
	}
}

func (r *readiness) wakeUp() *unix.PollFd { return &r.poll[len(r.poll)-1] }

// drained says that the files were read: from now on what comes is told again.
func (r *readiness) drained() {
	select {
	case r.resume <- struct{}{}:
	default: // it has not slept since
	}
}

func (r *readiness) close() error {
	close(r.closing)
	wake, one := int(r.wakeUp().Fd), [8]byte{7: 1}
	_, _ = unix.Write(wake, one[:]) // the first write to an eventfd never fails
	<-r.done
	return unix.Close(wake)
}
