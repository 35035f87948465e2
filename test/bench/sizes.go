package main

import (
	"errors"
	"fmt"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

var hooks = []datapath.Hook{datapath.HookXDP, datapath.HookIngress, datapath.HookAccept, datapath.HookEgress}

// size is what a program has come to when it was loaded.
type size struct {
	hook       datapath.Hook
	translated int    // instructions after the verifier's rewriting
	verified   uint32 // instructions that the verifier walked
	jited      uint32 // bytes of machine code
}

func sizes(d *datapath.Datapath) ([]size, error) {
	var all []size
	for _, hook := range hooks {
		s, err := sizeOf(d, hook)
		if err != nil {
			return nil, fmt.Errorf("size of program %s: %w", hook, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func sizeOf(d *datapath.Datapath, hook datapath.Hook) (size, error) {
	const instruction = 8 // bytes
	s := size{hook: hook}
	info, err := d.Program(hook).Info()
	if err != nil {
		return s, err
	}
	bytes, err := info.TranslatedSize()
	if err != nil {
		return s, err
	}
	s.translated = bytes / instruction
	if s.jited, err = info.JitedSize(); err != nil {
		return s, err
	}
	var ok bool
	if s.verified, ok = info.VerifiedInstructions(); !ok {
		return s, errors.New("this kernel does not count the verified instructions")
	}
	return s, nil
}
