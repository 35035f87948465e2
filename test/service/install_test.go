package service

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the top of the project, as the tests see it.
const root = "../.."

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runMake makes one of the targets, below dir instead of on this host.
func runMake(t *testing.T, dir string, args ...string) string {
	t.Helper()
	if dir == "" {
		t.Fatal("this would install on the host")
	}
	args = append([]string{"-C", root, "DESTDIR=" + dir}, args...)
	if _, err := os.Stat(filepath.Join(root, "bin", "vrrp-xdp")); err == nil {
		args = append(args, "-o", "build") // others may be running it
	}
	c := exec.CommandContext(t.Context(), "make", args...)
	// What the make that runs the tests was told is not for this one.
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "DESTDIR", "PREFIX"}, name)
	})
	output, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("make %v: %v\n%s", args, err, output)
	}
	return string(output)
}

// installed lists the files below dir with their modes.
func installed(t *testing.T, dir string) (list []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		list = append(list, info.Mode().String()+" "+strings.TrimPrefix(path, dir))
		return err
	}))
	slices.Sort(list)
	return list
}

const configuration = "/etc/vrrp-xdp/vrrp-xdp.conf"

func TestInstallPutsCommandServiceAndConfigurationWhereTheyBelong(t *testing.T) {
	for _, tt := range []struct{ args, prefix string }{{"", "/usr/local"}, {"PREFIX=/usr", "/usr"}, {"PREFIX=/opt/vrrp", "/opt/vrrp"}} {
		t.Run(tt.prefix, func(t *testing.T) {
			dir := t.TempDir()
			runMake(t, dir, append(strings.Fields(tt.args), "install")...)
			want := []string{
				"-rw-r----- " + configuration,
				"-rw-r--r-- " + tt.prefix + "/lib/systemd/system/vrrp-xdp.service",
				"-rwxr-xr-x " + tt.prefix + "/sbin/vrrp-xdp",
			}
			if got := installed(t, dir); !slices.Equal(got, want) {
				t.Errorf("installed are\n%s", strings.Join(got, "\n"))
			}
			for _, command := range commandsOf(t, unitBelow(dir, tt.prefix)) {
				if command[0] != tt.prefix+"/sbin/vrrp-xdp" {
					t.Errorf("the service runs %q", command)
				}
			}
			runMake(t, dir, append(strings.Fields(tt.args), "uninstall")...)
			if got := installed(t, dir); !slices.Equal(got, want[:1]) {
				t.Errorf("left are\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

func TestInstallKeepsAConfigurationThatIsThere(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(configuration)), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, configuration), []byte("ours"), 0o600))
	runMake(t, dir, "install")
	content, err := os.ReadFile(filepath.Join(dir, configuration))
	if string(content) != "ours" {
		t.Errorf("it became %q, error %v", content, err)
	}
}
