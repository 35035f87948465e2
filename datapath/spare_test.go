package datapath

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// programID is the kernel's number of a loaded program: who has the same has the
// very same program.
func programID(t *testing.T, p *ebpf.Program) ebpf.ProgramID {
	t.Helper()
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return id
}

// spares lists what is prepared in this network namespace.
func spares(t *testing.T) []string {
	t.Helper()
	pins, err := openPins()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pins.close() }) // the paths go through it
	found, err := filepath.Glob(filepath.Join(pins.path, sparePrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func prepare(t *testing.T) {
	t.Helper()
	if err := Prepare(); err != nil {
		t.Fatal(err)
	}
	if found := spares(t); len(found) != 1 || !strings.HasSuffix(found[0], spareName()) {
		t.Fatalf("prepared are %q", found)
	}
}

func TestWhatWasPreparedIsUsedByOneAndNoOther(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	prepare(t)
	pinned, err := ebpf.LoadPinnedProgram(programPin(spares(t)[0], vrrpProgVrrpXdp), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer pinned.Close()
	first, second := openOn(t, "va"), openOn(t)
	if programID(t, first.objects.VrrpXdp) != programID(t, pinned) {
		t.Error("it has loaded programs of its own")
	}
	if programID(t, second.objects.VrrpXdp) == programID(t, pinned) {
		t.Error("two have the same programs, and maps")
	}
	if found := spares(t); len(found) != 0 {
		t.Errorf("left are %q", found)
	}
	// It does what one does that has loaded its programs.
	if _, err := first.Attach("va", TC); err != nil {
		t.Fatal(err)
	}
	if _, err := first.AddRouter(masterOn(first.Port("va").Index, false)); err != nil {
		t.Fatal(err)
	}
}

func TestASpareOfAnotherVersionIsNotUsedAndGoes(t *testing.T) {
	newNetwork(t)
	prepare(t)
	other := spares(t)[0]
	if err := os.Rename(other, filepath.Join(filepath.Dir(other), sparePrefix+"another")); err != nil {
		t.Fatal(err)
	}
	openOn(t)
	if found := spares(t); len(found) != 0 {
		t.Errorf("left are %q", found)
	}
}

func TestASpareThatIsDamagedIsNotUsed(t *testing.T) {
	newNetwork(t)
	prepare(t)
	if err := os.Remove(programPin(spares(t)[0], vrrpProgVrrpEgress)); err != nil {
		t.Fatal(err)
	}
	if d := openOn(t); d.objects.VrrpEgress == nil {
		t.Error("a program is missing")
	}
	if found := spares(t); len(found) != 0 {
		t.Errorf("left are %q", found)
	}
}

func TestWhatWasPreparedTwiceIsThereOnce(t *testing.T) {
	newNetwork(t)
	prepare(t)
	prepare(t)
	if err := openOn(t).Close(false); err != nil {
		t.Fatal(err)
	}
}

func TestWhoEndsLeavesNoSpareBehind(t *testing.T) {
	newNetwork(t)
	d := openOn(t)
	prepare(t)
	if err := d.Close(false); err != nil {
		t.Fatal(err)
	}
	if found := spares(t); len(found) != 0 {
		t.Errorf("left are %q", found)
	}
}

func TestASpareHasEveryProgramAndEveryMap(t *testing.T) {
	spec, err := loadVrrp()
	if err != nil {
		t.Fatal(err)
	}
	var o vrrpObjects
	if got, want := slices.Sorted(maps.Keys(o.programs())), slices.Sorted(maps.Keys(spec.Programs)); !slices.Equal(got, want) {
		t.Errorf("programs %q, in the object %q", got, want)
	}
	want := slices.DeleteFunc(slices.Sorted(maps.Keys(spec.Maps)), func(name string) bool { return strings.HasPrefix(name, ".") })
	if got := slices.Sorted(maps.Keys(o.maps())); !slices.Equal(got, want) {
		t.Errorf("maps %q, in the object %q", got, want)
	}
}
