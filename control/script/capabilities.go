package script

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// noRoot is SECBIT_NOROOT and its lock, of capabilities(7): being root brings no
// capability, here and in what is executed.
const noRoot = 1<<0 | 1<<1

// renounce takes all capabilities from what this thread executes as the user. The
// thread is good for nothing else afterwards.
//
// A script is to be no more than its user is: root has its files, and no
// capability. What a file's own capabilities or its set-user-ID bit give to
// anybody, as those of ping and sudo do, they give to scripts too; but where root
// cannot be told otherwise than by no_new_privs they do not.
func renounce(user User) error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear the ambient capabilities: %w", err)
	}
	if user.UID == 0 {
		err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0)
		if errors.Is(err, unix.EPERM) && user.isOurs() {
			err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		}
		if err != nil {
			return fmt.Errorf("take root's capabilities away (CAP_SETPCAP): %w", err)
		}
	}
	var sets [2]unix.CapUserData
	if !user.isOurs() {
		// To become another user needs capabilities, and takes them away; but not
		// those that can be inherited, nor, once root means nothing, the others.
		if err := capget(&sets); err != nil {
			return err
		}
		sets[0].Inheritable, sets[1].Inheritable = 0, 0
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("give the capabilities up: %w", err)
	}
	return nil
}

func capget(sets *[2]unix.CapUserData) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read the capabilities of this process: %w", err)
	}
	return nil
}

// mayBecome says why the daemon cannot run anything as the user.
func mayBecome(user User) error {
	if user.isOurs() {
		return nil
	}
	var sets [2]unix.CapUserData
	if err := capget(&sets); err != nil {
		return err
	}
	const need = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	if sets[0].Permitted&need != need {
		return fmt.Errorf("the daemon runs as user %d of group %d and cannot become %s: name no other user for scripts, or run the daemon as root", os.Geteuid(), os.Getegid(), user)
	}
	return nil
}
