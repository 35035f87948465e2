package script

import (
	"os"
	"strconv"
)

// User is as whom a command runs. The zero User is root.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary ones
	Home   string   // "": /
	Shell  string   // "": /bin/sh
}

// isOurs says that the daemon runs as this user already.
func (u User) isOurs() bool {
	return int(u.UID) == os.Geteuid() && int(u.GID) == os.Getegid()
}

func (u User) String() string {
	switch {
	case u.Name != "":
		return u.Name
	case u.UID == 0:
		return "root"
	}
	return strconv.FormatUint(uint64(u.UID), 10)
}

// environment is the minimal one that the user's commands get.
func (u User) environment() []string {
	home, sh := u.Home, u.Shell
	if home == "" {
		home = "/"
	}
	if sh == "" {
		sh = shell
	}
	return []string{"PATH=" + Path, "HOME=" + home, "USER=" + u.String(), "LOGNAME=" + u.String(), "SHELL=" + sh}
}
