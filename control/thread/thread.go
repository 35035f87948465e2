// Package thread runs what changes the thread that it runs in.
package thread

import (
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
