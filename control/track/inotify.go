package track

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fileChanges tells that a file may have changed, be it written, removed, or
// replaced by another. Without inotify (the user's instances are limited) it
// tells nothing.
type fileChanges struct {
	told    chan struct{}
	dir     string
	name    string
	inotify *os.File // nil: there is none
	done    chan struct{}
}

// whatMatters: the end of writing, not every write, so that nobody reads the
// file between its truncation and its new content.
const whatMatters = unix.IN_CLOSE_WRITE | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
	unix.IN_ONLYDIR

func newFileChanges(path string) *fileChanges {
	c := &fileChanges{
		told: make(chan struct{}, 1), done: make(chan struct{}),
		dir: filepath.Dir(path), name: filepath.Base(path),
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		close(c.done)
		return c
	}
	c.inotify = os.NewFile(uintptr(fd), "inotify")
	go c.run()
	return c
}

// follow watches the directory that has the path now. For one that is watched
// already that changes nothing.
func (c *fileChanges) follow() {
	if c.inotify == nil {
		return
	}
	raw, err := c.inotify.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.InotifyAddWatch(int(fd), c.dir, whatMatters) // it may come later
	})
}

func (c *fileChanges) close() {
	if c.inotify != nil {
		c.inotify.Close()
	}
	<-c.done
}

func (c *fileChanges) run() {
	defer close(c.done)
	var buffer [16 << 10]byte
	for {
		n, err := c.inotify.Read(buffer[:])
		if err != nil {
			return
		}
		if c.concerns(buffer[:n]) {
			select {
			case c.told <- struct{}{}:
			default: // it will be read anyway
			}
		}
	}
}

// concerns reads inotify(7) events: wd, mask, cookie, length of the name, name.
func (c *fileChanges) concerns(b []byte) bool {
	for len(b) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(b[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		if end > len(b) {
			break
		}
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:end]), "\x00")
		if name == c.name || mask&unix.IN_Q_OVERFLOW != 0 {
			return true
		}
		b = b[end:]
	}
	return false
}
