package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lookupTimeout bounds the question to a directory service.
const lookupTimeout = 5 * time.Second

// databases are the files that hold users and groups; others are asked of getent.
var databases = map[string]string{"passwd": "/etc/passwd", "group": "/etc/group"}

var errNoAccount = errors.New("there is none")

// LookupUser finds a user, and the group if one is named, by name or number.
// group "": the user's own. Who is not in /etc/passwd or /etc/group is asked of
// getent(1), which knows of directory services.
func LookupUser(user, group string) (User, error) {
	fields, err := lookup("passwd", user, 7)
	if err != nil {
		return User{}, fmt.Errorf("look up user %q: %w; create it, or name another one", user, err)
	}
	u := User{Name: fields[0], Home: fields[5], Shell: fields[6]}
	if u.UID, u.GID, err = numbers(fields[2], fields[3]); err != nil {
		return User{}, fmt.Errorf("look up user %q: %w", user, err)
	}
	if u.Groups, err = memberships(u.Name, u.GID); err != nil {
		return User{}, fmt.Errorf("look up the groups of user %q: %w", user, err)
	}
	if group == "" {
		return u, nil
	}
	if fields, err = lookup("group", group, 4); err != nil {
		return User{}, fmt.Errorf("look up group %q: %w; create it, or name another one", group, err)
	}
	if u.GID, _, err = numbers(fields[2], "0"); err != nil {
		return User{}, fmt.Errorf("look up group %q: %w", group, err)
	}
	return u, nil
}

func numbers(a, b string) (uint32, uint32, error) {
	x, errX := strconv.ParseUint(a, 10, 32)
	y, errY := strconv.ParseUint(b, 10, 32)
	return uint32(x), uint32(y), errors.Join(errX, errY)
}

// lookup finds the line of a database whose name, or else number, is key.
func lookup(database, key string, fields int) ([]string, error) {
	content, err := os.ReadFile(databases[database])
	if err != nil {
		return nil, err
	}
	all := lines(content, fields)
	for _, column := range []int{0, 2} {
		for _, line := range all {
			if line[column] == key {
				return line, nil
			}
		}
	}
	if all = lines(getent(database, key), fields); len(all) > 0 {
		return all[0], nil
	}
	return nil, errNoAccount
}

func lines(content []byte, fields int) (all [][]string) {
	for line := range bytes.Lines(content) {
		if f := strings.Split(strings.TrimSpace(string(line)), ":"); len(f) >= fields {
			all = append(all, f)
		}
	}
	return all
}

// getent answers nothing where there is nothing, or where it is not installed.
func getent(database, key string) []byte {
	if key == "" || strings.HasPrefix(key, "-") {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	output, err := exec.CommandContext(ctx, "getent", database, key).Output()
	if err != nil {
		return nil
	}
	return output
}

// memberships are the user's groups: those that name it and those that a
// directory service adds, without its own.
func memberships(name string, own uint32) ([]uint32, error) {
	content, err := os.ReadFile(databases["group"])
	if err != nil {
		return nil, err
	}
	var gids []string
	for _, line := range lines(content, 4) {
		if slices.Contains(strings.Split(line[3], ","), name) {
			gids = append(gids, line[2])
		}
	}
	// getent initgroups answers: name gid gid …
	if words := strings.Fields(string(getent("initgroups", name))); len(words) > 0 {
		gids = append(gids, words[1:]...)
	}
	var groups []uint32
	for _, text := range gids {
		gid, err := strconv.ParseUint(text, 10, 32)
		if err == nil && uint32(gid) != own {
			groups = append(groups, uint32(gid))
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}
