package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// linger is how long the script of a FIFO may read what is there, and end by
// itself, before it is told to.
const linger = time.Second

// pipe is a FIFO that is open. It is open for reading too, although nobody here
// reads: so it takes lines, and keeps them, while nobody else has it open.
type pipe struct {
	config FIFO
	log    *slog.Logger
	fd     int
	inode  inode
	made   bool    // here, so that it is removed at the end
	lost   int     // lines, since it became full
	reader *reader // nil: none
}

// inode tells a file from another one at its path.
type inode struct{ device, number uint64 }

// openPipe makes the FIFO if it is missing: with mode 0600, and its user's.
func openPipe(f FIFO, log *slog.Logger) (*pipe, error) {
	p := &pipe{config: f, log: log.With("fifo", f.Path)}
	err := unix.Mkfifo(f.Path, 0o600)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("make the FIFO %s: %w", f.Path, err)
	}
	p.made = err == nil
	// A link in a directory that others may write to leads wherever they like.
	if p.fd, err = unix.Open(f.Path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("open the FIFO %s: %w", f.Path, err), p.unmake())
	}
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// unmake removes what could not even be opened.
func (p *pipe) unmake() error {
	if !p.made {
		return nil
	}
	return os.Remove(p.config.Path)
}

func (p *pipe) prepare() error {
	var stat unix.Stat_t
	if err := unix.Fstat(p.fd, &stat); err != nil {
		return fmt.Errorf("look at the FIFO %s: %w", p.config.Path, err)
	}
	p.inode = inodeOf(stat)
	if stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return fmt.Errorf("open the FIFO %s: something else is there: remove it, or choose another path", p.config.Path)
	}
	if !p.made {
		return nil
	}
	if err := unix.Fchmod(p.fd, 0o600); err != nil {
		return fmt.Errorf("set the mode of the FIFO %s: %w", p.config.Path, err)
	}
	return p.own(p.config)
}

// own gives a FIFO that was made here to its user.
func (p *pipe) own(f FIFO) error {
	u := f.User
	if !p.made || u.UID == uint32(os.Geteuid()) && u.GID == uint32(os.Getegid()) {
		return nil
	}
	if err := unix.Fchown(p.fd, int(u.UID), int(u.GID)); err != nil {
		return fmt.Errorf("give the FIFO %s to user %s: %w", f.Path, u, err)
	}
	return nil
}

func inodeOf(stat unix.Stat_t) inode { return inode{uint64(stat.Dev), stat.Ino} }

// isThere says whether this is still what others find at the path.
func (p *pipe) isThere() bool {
	var stat unix.Stat_t
	return unix.Lstat(p.config.Path, &stat) == nil && inodeOf(stat) == p.inode
}

// write does not wait for a reader: a line that there is no room for is lost. A
// line is shorter than PIPE_BUF, and so is there as a whole or not at all.
func (p *pipe) write(text string) {
	_, err := unix.Write(p.fd, []byte(text))
	for errors.Is(err, unix.EINTR) {
		_, err = unix.Write(p.fd, []byte(text))
	}
	switch {
	case errors.Is(err, unix.EAGAIN):
		if p.lost++; p.lost == 1 {
			p.log.Warn("FIFO is full, nobody reads it: events are lost")
		}
	case err != nil:
		p.log.Error("FIFO cannot be written to", "error", err)
	case p.lost > 0:
		p.log.Warn("FIFO is read again", "lost", p.lost)
		p.lost = 0
	}
}

// retire ends the script, and closes and removes the FIFO. When ctx ends, the
// script has no more time to read. Nobody may write any more.
func (p *pipe) retire(ctx context.Context) error {
	if p.reader == nil {
		return p.close()
	}
	ctx, cancel := context.WithTimeout(ctx, linger)
	defer cancel()
	p.reader.last()
	p.drain(ctx)
	err := unix.Close(p.fd) // the script reads the end of the file, if it is still there
	select {
	case <-p.reader.done:
	case <-ctx.Done():
	}
	p.reader.end()
	if p.lost > 0 {
		p.log.Warn("FIFO was not read to its end", "lost", p.lost)
	}
	return errors.Join(err, p.remove())
}

// drain waits until the script has read all lines.
func (p *pipe) drain(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if left, err := unix.IoctlGetInt(p.fd, unix.TIOCINQ); err != nil || left == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-p.reader.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (p *pipe) close() error { return errors.Join(unix.Close(p.fd), p.remove()) }

func (p *pipe) remove() error {
	if !p.made || !p.isThere() {
		return nil
	}
	if err := os.Remove(p.config.Path); err != nil {
		return fmt.Errorf("remove the FIFO that was made here: %w", err)
	}
	return nil
}
