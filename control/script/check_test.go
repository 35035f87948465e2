package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place makes a directory below /root's own world, with modes that do not
// depend on where temporary files are.
func place(t *testing.T) string {
	t.Helper()
	requireRoot(t)
	dir, err := os.MkdirTemp("/run", "script-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func program(t *testing.T, path string, mode os.FileMode, content string) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o600))
	must(t, os.Chmod(path, mode))
	return path
}

func TestACheckSaysWhyACommandWouldNotRun(t *testing.T) {
	const script = "#!/bin/sh\n"
	member := nobody()
	member.Groups = []uint32{4}
	tests := []struct {
		name string
		make func(t *testing.T, dir string) Command
		want string // "": it would run
	}{
		{"nothing at all", func(t *testing.T, dir string) Command { return Command{} }, "nothing to run"},
		{"a missing file", func(t *testing.T, dir string) Command { return Command{Args: []string{dir + "/no"}} }, "no such file"},
		{"a name in PATH", func(t *testing.T, dir string) Command { return Command{Args: []string{"true"}} }, ""},
		{"a name that is not in PATH", func(t *testing.T, dir string) Command { return Command{Args: []string{"no-such-program"}} }, "absolute path"},
		{"a relative path", func(t *testing.T, dir string) Command { return Command{Args: []string{"./x"}} }, "absolute"},
		{"a directory", func(t *testing.T, dir string) Command { return Command{Args: []string{dir}} }, "not a file"},
		{"a shell line", func(t *testing.T, dir string) Command { return Command{Shell: true, Line: "no such thing"} }, ""},
		{"a script", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o755, script)}}
		}, ""},
		{"a script without a #! line", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o755, "echo\n")}}
		}, "begin it with #!/bin/sh"},
		{"an empty script", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o755, "")}}
		}, "begin it with #!/bin/sh"},
		{"a script without its interpreter", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o755, "#! /usr/bin/no-such -x\n")}}
		}, "interpreter"},
		{"a script that names no interpreter", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o755, "#! \n")}}
		}, "interpreter"},
		{"a file that nobody may execute, for root", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o644, script)}}
		}, "may not execute"},
		{"a file of root's, for another user", func(t *testing.T, dir string) Command {
			return Command{Args: []string{program(t, dir+"/x", 0o700, script)}, User: nobody()}
		}, "user nobody may not execute"},
		{"a file of another's, for that one", func(t *testing.T, dir string) Command {
			must(t, os.Chown(program(t, dir+"/x", 0o500, script), 65534, 0))
			return Command{Args: []string{dir + "/x"}, User: nobody()}
		}, ""},
		{"a file in a directory of root's, for another user", func(t *testing.T, dir string) Command {
			program(t, dir+"/d/x", 0o755, script)
			must(t, os.Chmod(dir+"/d", 0o700))
			return Command{Args: []string{dir + "/d/x"}, User: nobody()}
		}, "search permission"},
		{"a file for a group, for a member", func(t *testing.T, dir string) Command {
			must(t, os.Chown(program(t, dir+"/x", 0o750, script), 0, 4))
			return Command{Args: []string{dir + "/x"}, User: member}
		}, ""},
		{"a file for a group, for another user", func(t *testing.T, dir string) Command {
			must(t, os.Chown(program(t, dir+"/x", 0o750, script), 0, 4))
			return Command{Args: []string{dir + "/x"}, User: nobody()}
		}, "may not execute"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { complains(t, Check(tt.make(t, place(t)), true), tt.want) })
	}
}

func complains(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error is %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

func TestRootRunsNothingThatAnotherUserCouldChange(t *testing.T) {
	chmod := func(mode os.FileMode, names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, name := range names {
				must(t, os.Chmod(dir+name, mode))
			}
		}
	}
	chown := func(name string, uid, gid int) func(*testing.T, string) {
		return func(t *testing.T, dir string) { must(t, os.Chown(dir+name, uid, gid)) }
	}
	both := func(a, b func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, dir string) { a(t, dir); b(t, dir) }
	}
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		path   string // "": /d/x
		want   string
	}{
		{"all root's", func(*testing.T, string) {}, "", ""},
		{"the file writable by root's group", chmod(0o775, "/d/x"), "", ""},
		{"the file writable by another group", both(chown("/d/x", 0, 4), chmod(0o775, "/d/x")), "", "writable by group 4"},
		{"the file writable by everybody", chmod(0o757, "/d/x"), "", "writable by everybody"},
		{"the file of another user", chown("/d/x", 65534, 0), "", "belongs to user 65534"},
		{"the directory writable by another group", both(chown("/d", 0, 4), chmod(0o775, "/d")), "", "/d is writable by group 4"},
		{"the directory writable by everybody", chmod(0o777, "/d"), "", "/d is writable by everybody"},
		{"the directory writable by everybody, but sticky", chmod(0o777|os.ModeSticky, "/d"), "", ""},
		{"the directory sticky, and the file of another user", both(chmod(0o777|os.ModeSticky, "/d"), chown("/d/x", 65534, 0)), "", "/d/x belongs to"},
		{"the directory of another user", chown("/d", 65534, 0), "", "/d belongs to"},
		{"a link to what is root's", func(t *testing.T, dir string) { must(t, os.Symlink("../d/./x", dir+"/d/link")) }, "/d/link", ""},
		{"a link into a directory of another user", func(t *testing.T, dir string) {
			program(t, dir+"/e/x", 0o755, "#!/bin/sh\n")
			must(t, os.Chown(dir+"/e", 65534, 0))
			must(t, os.Symlink("../e/x", dir+"/d/link"))
		}, "/d/link", "/e belongs to"},
		{"an absolute link to a file that everybody may write", func(t *testing.T, dir string) {
			must(t, os.Symlink(program(t, dir+"/e/x", 0o757, "#!/bin/sh\n"), dir+"/d/link"))
		}, "/d/link", "/e/x is writable by everybody"},
		{"a linked directory of another user", func(t *testing.T, dir string) {
			program(t, dir+"/e/x", 0o755, "#!/bin/sh\n")
			must(t, os.Chown(dir+"/e", 65534, 0))
			must(t, os.Symlink(dir+"/e", dir+"/d/link"))
		}, "/d/link/x", "/e belongs to"},
		{"a link of another user in a sticky directory", func(t *testing.T, dir string) {
			must(t, os.Symlink("x", dir+"/d/link"))
			must(t, os.Lchown(dir+"/d/link", 65534, 0))
		}, "/d/link", "/d/link belongs to"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := place(t)
			program(t, dir+"/d/x", 0o755, "#!/bin/sh\n")
			tt.change(t, dir)
			path := dir + "/d/x"
			if tt.path != "" {
				path = dir + tt.path
			}
			c := Command{Args: []string{path}}
			complains(t, Check(c, true), tt.want)
			complains(t, Check(c, false), "")
			c.User = nobody()
			complains(t, Check(c, true), "")
		})
	}
}
