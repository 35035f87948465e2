package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vrrp-xdp/vrrp-xdp/"

// rooms are the packages, and what each imports of this module outside its
// tests. A room ends with / if all packages below it are meant.
var rooms = map[string][]string{
	"control/vrrp":    {},
	"control/iproute": {},
	"control/thread":  {},
	"control/script":  {"control/thread"},
	"control/config":  {"control/vrrp", "control/iproute", "control/script"},
	"control/netio":   {"control/vrrp", "control/iproute"},
	"control/track":   {"control/script"},
	"control/notify":  {"control/script"},
	"control":         {"control/"},
	"datapath":        {},
	"cmd/":            {"control", "control/", "datapath", "cmd/"},
	"test/":           {"control", "control/", "datapath", "test/"},
}

// impure is what control/vrrp must not have: it is told what happens and when,
// and knows neither network nor clock nor log.
var impure = []string{"net", "os", "log", "context", "syscall", "unsafe", "sync", "runtime", "math/rand"}

// goPackage is what go list says.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = root
	output, err := list.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("%v: %v\n%s", list, err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// within reports whether a package is in one of the rooms.
func within(path string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return path == room || strings.HasSuffix(room, "/") && strings.HasPrefix(path, room)
	})
}

// faults is what is wrong with the imports of a package.
func faults(p goPackage) []string {
	name := strings.TrimPrefix(p.ImportPath, module)
	mayImport, known := allowed(name)
	if !known {
		return []string{name + " is no room of the house"}
	}
	var found []string
	for _, path := range p.Imports {
		ours := strings.HasPrefix(path, module)
		if ours && !within(strings.TrimPrefix(path, module), mayImport) || !ours && !mayUse(name, path) {
			found = append(found, fmt.Sprintf("%s must not import %s", name, path))
		}
	}
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		if against(name, strings.TrimPrefix(path, module)) {
			found = append(found, fmt.Sprintf("the tests of %s must not import %s", name, path))
		}
	}
	return found
}

func allowed(name string) ([]string, bool) {
	for room, imports := range rooms {
		if within(name, []string{room}) {
			return imports, true
		}
	}
	return nil, false
}

// mayUse reports whether a package may import what is not of this module.
func mayUse(name, path string) bool {
	switch {
	case name == "control/vrrp":
		return isStandard(path) && (path == "net/netip" || !within(path, impure) && !within(path, below(impure)))
	case under(path, "github.com/cilium/ebpf"):
		return name == "datapath" || under(name, "test")
	}
	return true
}

// against reports whether not even tests may import it: each half is tested
// without the other, and what needs both is in test/.
func against(name, path string) bool {
	return under(name, "control") && path == "datapath" || name == "datapath" && under(path, "control")
}

func under(path, of string) bool { return within(path, []string{of, of + "/"}) }

func below(paths []string) []string {
	var rooms []string
	for _, p := range paths {
		rooms = append(rooms, p+"/")
	}
	return rooms
}

// isStandard: the first element of any other path is a host name.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func TestImportsPointOneWay(t *testing.T) {
	all := packages(t)
	for _, p := range all {
		for _, fault := range faults(p) {
			t.Error(fault)
		}
	}
	for _, name := range []string{"control", "control/vrrp", "control/netio", "datapath", "cmd/vrrp-xdp"} {
		if !slices.ContainsFunc(all, func(p goPackage) bool { return p.ImportPath == module+name }) {
			t.Errorf("go list does not know %s", name)
		}
	}
}

func TestAForbiddenImportIsFound(t *testing.T) {
	tests := []struct {
		of, path string
		fine     bool
	}{
		{"control/vrrp", "net", false},
		{"control/vrrp", "net/netip", true},
		{"control/vrrp", "net/http", false},
		{"control/vrrp", "log/slog", false},
		{"control/vrrp", "time", true},
		{"control/vrrp", "golang.org/x/sys/unix", false},
		{"control/vrrp", module + "control/netio", false},
		{"control/netio", module + "control/vrrp", true},
		{"control/netio", module + "control", false},
		{"control/netio", module + "control/config", false},
		{"control", module + "control/netio", true},
		{"control", module + "datapath", false},
		{"control", "github.com/cilium/ebpf", false},
		{"datapath", module + "control/vrrp", false},
		{"datapath", "github.com/cilium/ebpf/link", true},
		{"cmd/vrrp-xdp", module + "datapath", true},
		{"cmd/vrrp-xdp", module + "test/lab", false},
		{"cmd/vrrp-xdp", "github.com/cilium/ebpf", false},
		{"test/lab", "github.com/cilium/ebpf", true},
		{"internal/common", "fmt", false},
	}
	for _, test := range tests {
		found := faults(goPackage{ImportPath: module + test.of, Imports: []string{test.path}})
		if fine := len(found) == 0; fine != test.fine {
			t.Errorf("%s imports %s: %v", test.of, test.path, found)
		}
	}
}

func TestAForbiddenImportOfATestIsFound(t *testing.T) {
	p := goPackage{ImportPath: module + "datapath", XTestImports: []string{module + "control/vrrp"}}
	if len(faults(p)) != 1 {
		t.Error("it is not")
	}
}
