// Package thread runs what changes the thread that it runs in.
package thread

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Apart runs f in a thread of its own, which then ends with whatever f has done to
// it: a umask, capabilities, a user. It is never the main thread of the process. Go
// cannot end that one; it would stay as f left it, be what /proc shows of the
// process, and crash it at the next syscall.AllThreadsSyscall, whose outcome may
// not differ between threads. For any goroutine.
func Apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and not unlocked: the thread ends with this goroutine
		if unix.Gettid() == unix.Getpid() {
			Apart(f) // in another: this one is taken until then
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// Entitled is Apart with all capabilities in effect that this process may have. A
// daemon that root has started runs with few of them in effect: it takes the others
// for the moment in which it needs them. Errors are f's, or why it was not called.
func Entitled(f func() error) (err error) {
	Apart(func() {
		if err = takeEffect(); err == nil {
			err = f()
		}
	})
	return err
}

// takeEffect is for this thread.
func takeEffect() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read the capabilities of this process: %w", err)
	}
	for i := range sets {
		sets[i].Effective = sets[i].Permitted
	}
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("have all capabilities in effect: %w", err)
	}
	return nil
}
