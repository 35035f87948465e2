package script

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
)

// asUser calls f in a thread that has the user's rights to files, and no
// capability to pass over them. The answer is f's, or why it was not called.
func asUser(user User, f func() error) error {
	return thread.Entitled(func() error {
		if err := becomeForFiles(user); err != nil {
			return err
		}
		return f()
	})
}

// becomeForFiles uses what changes the calling thread alone. The kernel takes
// the capabilities that have to do with files from who is no longer root here.
func becomeForFiles(user User) error {
	groups := make([]int, len(user.Groups))
	for i, gid := range user.Groups {
		groups[i] = int(gid)
	}
	if err := unix.Setgroups(groups); err != nil {
		return fmt.Errorf("take the groups of user %s: %w", user, err)
	}
	// Both answer with what was before, whether or not it worked.
	_ = unix.Setfsgid(int(user.GID))
	_ = unix.Setfsuid(int(user.UID))
	gid, _ := unix.SetfsgidRetGid(-1)
	uid, _ := unix.SetfsuidRetUid(-1)
	if uint32(gid) != user.GID || uint32(uid) != user.UID {
		return fmt.Errorf("take the rights of user %s: %w", user, unix.EPERM)
	}
	return nil
}
