package house

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

var top = []string{
	"bpf", "cmd", "control", "datapath", "docs", "packaging", "test",
	"go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md",
}

// made by make, and ignored by git.
var made = []string{"bin", "dist"}

// strangers are the entries that do not belong to the top level. What is hidden
// may be there.
func strangers(entries []string) []string {
	return slices.DeleteFunc(slices.Clone(entries), func(name string) bool {
		return strings.HasPrefix(name, ".") || slices.Contains(top, name)
	})
}

// topLevel lists what git knows, or would take, or all that is there if this is
// no checkout.
func topLevel(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	output, err := list.Output()
	if err != nil {
		return filesystemTop(t)
	}
	var names []string
	for path := range strings.Lines(string(output)) {
		name, _, _ := strings.Cut(strings.TrimSpace(path), "/")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func filesystemTop(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !slices.Contains(made, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestTheTopLevelIsThatOfTheDesign(t *testing.T) {
	entries := topLevel(t)
	if found := strangers(entries); len(found) > 0 {
		t.Errorf("these do not belong there: %v", found)
	}
	if !slices.Contains(entries, "go.mod") || !slices.Contains(entries, "bpf") {
		t.Errorf("this is not the top level: %v", entries)
	}
}

func TestAStrangerIsFound(t *testing.T) {
	if found := strangers([]string{".ci", "bpf", "go.mod", "internal", "scripts"}); !slices.Equal(found, []string{"internal", "scripts"}) {
		t.Errorf("found %v", found)
	}
}

func TestNoGoFileIsBesideTheC(t *testing.T) {
	var c int
	err := filepath.WalkDir(filepath.Join(root, "bpf"), func(path string, _ fs.DirEntry, err error) error {
		switch filepath.Ext(path) {
		case ".go":
			t.Errorf("%s: Go belongs to datapath", path)
		case ".c":
			c++
		}
		return err
	})
	if err != nil || c == 0 {
		t.Errorf("%d C files: %v", c, err)
	}
}
