// Bench measures what the BPF programs cost per packet, by hook and kind of
// packet, and how large they are. It prints the tables and writes
// docs/performance.md. It needs root, and a machine that is otherwise idle.
//
//	go run ./test/bench              about a minute
//	go run ./test/bench -short       three seconds, prints only
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
)

func main() {
	short := flag.Bool("short", false, "measure little, and write no document")
	document := flag.String("o", "docs/performance.md", "the document to write")
	flag.Parse()
	p := full
	if *short {
		p, *document = quick, ""
	}
	runtime.LockOSThread() // and never unlocked: host.open changes this thread for good
	if err := run(p, *document, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything, prints it to out, and writes the document if it has a name.
func run(p plan, document string, out, progress io.Writer) error {
	r, err := measure(p, progress)
	if err != nil {
		return err
	}
	if err := r.write(out, text); err != nil {
		return err
	}
	if document == "" {
		return nil
	}
	f, err := os.Create(document)
	if err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	if err := r.write(f, markdown); err != nil {
		_ = f.Close() // the first error says more
		return fmt.Errorf("write %s: %w", document, err)
	}
	return f.Close()
}

// measure makes the report. The calling thread must be locked to its goroutine,
// and must end with it: it stays in another network namespace, on one CPU.
func measure(p plan, progress io.Writer) (_ report, err error) {
	r := report{plan: p, environment: environment()} // before the change of namespace, which hides some of it
	h, err := openHost()
	if err != nil {
		return r, err
	}
	defer func() {
		if closeErr := h.close(); err == nil {
			err = closeErr
		}
	}()
	r.environment = append(r.environment, fact{"measured on CPU", strconv.Itoa(h.cpu)})
	if r.sizes, err = sizes(h.datapath); err != nil {
		return r, err
	}
	for _, s := range scenarios() {
		fmt.Fprintf(progress, "%s: %s\n", s.hook, s.name)
		c, err := h.cost(s, p)
		if err != nil {
			return r, fmt.Errorf("%s: %s: %w", s.hook, s.name, err)
		}
		r.costs = append(r.costs, c)
	}
	return r, nil
}
