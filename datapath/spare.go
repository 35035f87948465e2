package datapath

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
)

// A spare is a set of programs and maps that nobody has used, pinned for the next
// Open of the very same programs in this network namespace. The verifier takes
// longer than a short lease lasts; who is to be back within one has it done before.
//
// No interface's folder begins like this: there a % is written %25.
const sparePrefix = "%spare-"

// Prepare loads the programs, and leaves them to the next Open. Whoever prepares
// and opens nothing in the end leaves them pinned until the next Open, Detach or
// Close in this network namespace. Errors: as of Open.
func Prepare() (err error) {
	pins, err := openPins()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pins.close()) }()
	var o vrrpObjects
	if err := load(&o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	return pins.pinSpare(&o)
}

// spareName is the same only for the same programs.
func spareName() string { return fmt.Sprintf("%s%x", sparePrefix, sha256.Sum256(_VrrpBytes)) }

// pinSpare pins all of it out of sight, and then lets it be seen at one stroke.
func (p pinDir) pinSpare(o *vrrpObjects) (err error) {
	p.removeSpares()
	hidden := filepath.Join(p.path, fmt.Sprintf("%s%d", sparePrefix, os.Getpid()))
	if err := os.MkdirAll(hidden, 0o700); err != nil {
		return fmt.Errorf("make a folder for spare programs: %w", err)
	}
	defer func() {
		if err != nil {
			removePins(hidden)
		}
	}()
	for name, m := range o.maps() {
		if err := pinMap(*m, mapPin(hidden, name)); err != nil {
			return fmt.Errorf("pin spare map %s: %w", name, err)
		}
	}
	for name, program := range o.programs() {
		if err := (*program).Pin(programPin(hidden, name)); err != nil {
			return fmt.Errorf("pin spare program %s: %w", name, err)
		}
	}
	return os.Rename(hidden, filepath.Join(p.path, spareName()))
}

// takeSpare makes the spare programs and maps these, if there are any. They are
// nobody else's then: to rename a folder is possible once.
func (p pinDir) takeSpare(o *vrrpObjects) bool {
	taken := filepath.Join(p.path, fmt.Sprintf("%s%d", sparePrefix, os.Getpid()))
	if os.Rename(filepath.Join(p.path, spareName()), taken) != nil {
		return false
	}
	defer removePins(taken)
	if err := openSpare(o, taken); err != nil {
		_ = o.Close()
		*o = vrrpObjects{}
		return false
	}
	return true
}

func openSpare(o *vrrpObjects, folder string) error {
	for name, to := range o.maps() {
		m, err := ebpf.LoadPinnedMap(mapPin(folder, name), nil)
		if err != nil {
			return err
		}
		// A map that has a pin cannot be pinned for interfaces.
		if *to, err = m.Clone(); err != nil {
			return errors.Join(err, m.Close())
		}
		if err := m.Close(); err != nil {
			return err
		}
	}
	for name, to := range o.programs() {
		program, err := ebpf.LoadPinnedProgram(programPin(folder, name), nil)
		if err != nil {
			return err
		}
		*to = program
	}
	return nil
}

// removeSpares takes away what was prepared and not used, by whatever version.
func (p pinDir) removeSpares() {
	entries, err := os.ReadDir(p.path)
	if err != nil {
		return // there is no such folder
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), sparePrefix) {
			removePins(filepath.Join(p.path, e.Name()))
		}
	}
}

// removePins removes a folder of pins. Somebody else may do the same.
func removePins(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		_ = os.Remove(filepath.Join(folder, e.Name()))
	}
	_ = os.Remove(folder)
}

func programPin(folder, name string) string { return filepath.Join(folder, "program-"+name) }
