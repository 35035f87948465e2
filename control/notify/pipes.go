package notify

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// changePipes opens and closes what is different. Errors: nothing is.
func (n *Notifier) changePipes(fifos []FIFO) error {
	stay, opened, err := n.openMissing(fifos)
	if err != nil {
		for _, p := range opened {
			err = errors.Join(err, p.close())
		}
		return err
	}
	n.mu.Lock()
	before := n.pipes
	n.pipes = slices.Concat(stay, opened)
	n.mu.Unlock()
	for _, p := range before {
		if !slices.Contains(stay, p) {
			n.retired.add(n.context, p)
		}
	}
	for _, p := range stay {
		p.config = find(fifos, p.config.Path)
		n.changeReader(p)
	}
	for _, p := range opened {
		n.startReader(p, n.retired.of(p.config.Path))
	}
	return nil
}

// changeReader leaves a script that stays alone, unless it has ended.
func (n *Notifier) changeReader(p *pipe) {
	r, want := p.reader, p.config.Script
	if r == nil {
		n.startReader(p, nil)
		return
	}
	if want != nil && reflect.DeepEqual(r.command, want.With(p.config.Path)) && !r.hasEnded() {
		return
	}
	r.kill()
	n.retired.awaits(r)
	p.reader = nil
	n.startReader(p, r.done)
}

func (n *Notifier) startReader(p *pipe, before <-chan struct{}) {
	if p.config.Script != nil {
		p.reader = startReader(n.context, p.config.Script.With(p.config.Path), n.run, p.log, before)
	}
}

func find(fifos []FIFO, path string) FIFO {
	return fifos[slices.IndexFunc(fifos, func(f FIFO) bool { return f.Path == path })]
}

// openMissing finds what is open already, and opens the others.
func (n *Notifier) openMissing(fifos []FIFO) (stay, opened []*pipe, err error) {
	for i, f := range fifos {
		if slices.ContainsFunc(fifos[:i], func(other FIFO) bool { return other.Path == f.Path }) {
			return nil, opened, fmt.Errorf("the FIFO %s is configured twice: give each a path of its own", f.Path)
		}
		if p := n.pipe(f.Path); p != nil && p.isThere() {
			if err := p.own(f); err != nil {
				return nil, opened, err
			}
			stay = append(stay, p)
			continue
		}
		if before := n.retired.of(f.Path); before != nil {
			<-before
		}
		p, err := openPipe(f, n.log)
		if err != nil {
			return nil, opened, err
		}
		opened = append(opened, p)
	}
	return stay, opened, nil
}

// pipe finds the one that is open. Only Apply and Close change which there are.
func (n *Notifier) pipe(path string) *pipe {
	for _, p := range n.pipes {
		if p.config.Path == path {
			return p
		}
	}
	return nil
}
