package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// report is all that was measured.
type report struct {
	plan        plan
	environment []fact
	costs       []cost
	sizes       []size
}

// aim is the most ns that a packet which is not for us may cost where it is received.
const aim = 3.0

// text and markdown are the ways to write a report.
const (
	text     = false
	markdown = true
)

func (r report) write(w io.Writer, asMarkdown bool) error {
	d := &document{markdown: asMarkdown}
	d.heading(1, "What the fast path costs")
	if asMarkdown {
		d.paragraph(fmt.Sprintf(method, r.plan.rounds, r.plan.repeat))
	}
	d.heading(2, "Cost per packet")
	d.table(r.costTable())
	d.paragraph(r.verdict())
	d.heading(2, "Size of the programs")
	d.table(r.sizeTable())
	d.heading(2, "Environment")
	d.table(r.environmentTable())
	_, err := io.WriteString(w, d.String())
	return err
}

// method is the head of the document, written for whoever doubts a number.
const method = `This page is written whole by ` + "`make bench`" + `; its numbers are those of one run on the
machine named below, and good for comparing with each other.

Each program runs by ` + "`BPF_PROG_RUN`" + ` on one pinned CPU: no driver, no network stack, everything
in the cache. A value comes from %d rounds of %d packets; before and after each round an empty
program of the same type runs as often. *Net* is the program less the mean of these two: what it adds to a
packet that passes a hook anyway. Where a program rewrites the packet (an answered ARP request is
none any more), a few instructions put it back before each run, for the empty program too.
Events are read between portions of runs, outside the time; waking the daemon is not in it. A
value was kept only if the counters moved by exactly the number of packets, so that every one of
them went the way that the table says, and if half the packets took half the time. Times are in
nanoseconds; *program* and *empty* are the medians before the subtraction: where *empty* differs
from row to row of a hook, the machine was not idle, and *net* is too high.`

func (r report) costTable() [][]string {
	rows := [][]string{{"hook", "packet", "net min", "net median", "net max", "program", "empty"}}
	for _, c := range r.costs {
		net := spreadOf(c.net)
		rows = append(rows, []string{string(c.hook), c.name, ns(net.min), ns(net.median), ns(net.max),
			ns(spreadOf(c.gross).median), ns(spreadOf(c.empty).median)})
	}
	return rows
}

func ns(v float64) string { return fmt.Sprintf("%.1f", v) }

// verdict says whether the aim is met.
func (r report) verdict() string {
	var parts []string
	for _, c := range r.costs {
		if (c.name != unrelated && c.name != unrelated6) || (c.hook != datapath.HookXDP && c.hook != datapath.HookIngress) {
			continue
		}
		net, word := math.Round(10*spreadOf(c.net).median)/10, "met" // as it is printed
		if net > aim {
			word = "not met"
		}
		parts = append(parts, fmt.Sprintf("%s, %s: %s (%s)", c.hook, c.name, ns(net), word))
	}
	return fmt.Sprintf("Aim: an unrelated packet costs at most %.0f ns where it is received. This run: %s.", aim, strings.Join(parts, "; "))
}

func (r report) sizeTable() [][]string {
	rows := [][]string{{"program", "translated instructions", "verified instructions", "machine code, bytes"}}
	for _, s := range r.sizes {
		rows = append(rows, []string{string(s.hook), fmt.Sprint(s.translated), fmt.Sprint(s.verified), fmt.Sprint(s.jited)})
	}
	return rows
}

func (r report) environmentTable() [][]string {
	rows := [][]string{{"what", "value"}}
	for _, f := range r.environment {
		rows = append(rows, []string{f.name, f.value})
	}
	return rows
}
