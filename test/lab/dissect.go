package lab

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// V3Checksum is the form of checksum that Dissect expects in version 3 over IPv4. Version 2 and IPv6 have one form only.
type V3Checksum string

// The two forms: tshark's preference vrrp.v3_checksum_as_in_v2.
const (
	WithPseudoHeader V3Checksum = "FALSE"
	MessageOnly      V3Checksum = "TRUE"
)

// Dissection is what tshark, which nobody here wrote, makes of a frame. The fields from Version on are those of an
// advert, and zero in other frames.
type Dissection struct {
	Number   int    // of the frame, from 0
	Protocol string // of the innermost layer, such as vrrp, arp, icmpv6
	Source   MAC
	SourceIP netip.Addr // of the outermost IP header
	TTL      int        // or hop limit
	Expert   []Expert   // everything that tshark remarks; empty is good

	Version, VRID, Priority int
	AuthType                int    // version 2
	AuthString              string // version 2 with a password
	Interval                time.Duration
	Reserved                int  // version 3: the four bits that must be 0
	ChecksumGood            bool // tshark verifies it always
	Addresses               []netip.Addr
}

// Expert is a remark of tshark on a frame.
type Expert struct {
	Severity Severity
	Message  string
}

// Severity of an Expert remark, as Wireshark numbers it.
type Severity int

// Severities.
const (
	Chat    Severity = 0x200000
	Note    Severity = 0x400000
	Warning Severity = 0x600000
	Fault   Severity = 0x800000
)

// IsVRRP tells adverts from other frames, also from ICMP errors that quote one.
func (d Dissection) IsVRRP() bool { return d.Protocol == "vrrp" }

const (
	fieldSeparator = "\t"
	valueSeparator = "\x1f"
)

var dissectedFields = []string{
	"frame.protocols", "eth.src", "ip.src", "ipv6.src", "ip.ttl", "ipv6.hlim",
	"vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.auth_type", "vrrp.auth_string",
	"vrrp.adver_int", "vrrp.short_adver_int", "vrrp.reserved_mbz", "vrrp.checksum.status",
	"vrrp.ip_addr", "vrrp.ipv6_addr", "_ws.expert.severity", "_ws.expert.message",
}

// Dissect has tshark read the frames as one capture, and returns a Dissection for each, in order. It verifies IPv4 header
// checksums too. tshark remembers: the MAC of an address that changes between frames is a remark on the later one.
func Dissect(frames []Frame, form V3Checksum) ([]Dissection, error) {
	dir, err := os.MkdirTemp("", "dissect-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "frames.pcap")
	if err := WritePcap(file, frames); err != nil {
		return nil, err
	}
	args := []string{"-n", "-r", file, "-o", "ip.check_checksum:TRUE", "-o", "vrrp.v3_checksum_as_in_v2:" + string(form),
		"-T", "fields", "-E", "separator=/t", "-E", "aggregator=" + valueSeparator}
	for _, field := range dissectedFields {
		args = append(args, "-e", field)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dissecting with tshark (Debian's package tshark): %w: %s", err, stderr.String())
	}
	return readDissections(string(out), len(frames))
}

func readDissections(out string, frames int) ([]Dissection, error) {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if frames == 0 {
		return nil, nil
	}
	if len(lines) != frames {
		return nil, fmt.Errorf("tshark wrote %d lines about %d frames", len(lines), frames)
	}
	all := make([]Dissection, frames)
	for i, line := range lines {
		columns := strings.Split(line, fieldSeparator)
		if len(columns) != len(dissectedFields) {
			return nil, fmt.Errorf("tshark wrote %q, want %d columns", line, len(dissectedFields))
		}
		r := fieldReader{values: map[string][]string{}}
		for j, column := range columns {
			if column != "" {
				r.values[dissectedFields[j]] = strings.Split(column, valueSeparator)
			}
		}
		all[i] = r.dissection(i)
		if r.err != nil {
			return nil, fmt.Errorf("reading what tshark says of frame %d: %w", i, r.err)
		}
	}
	return all, nil
}

// fieldReader reads the fields of one frame. A field that occurs more than once is read where it occurs first: further
// IP headers are those that ICMP errors quote.
type fieldReader struct {
	values map[string][]string
	err    error
}

func (r *fieldReader) dissection(number int) Dissection {
	protocols := strings.Split(r.text("frame.protocols"), ":")
	d := Dissection{
		Number: number, Protocol: protocols[len(protocols)-1],
		Source: r.mac("eth.src"), SourceIP: r.address("ip.src", "ipv6.src"), TTL: r.number("ip.ttl", "ipv6.hlim"), Expert: r.expert(),
	}
	if !d.IsVRRP() {
		return d
	}
	d.Version, d.VRID, d.Priority = r.number("vrrp.version"), r.number("vrrp.virt_rtr_id"), r.number("vrrp.prio")
	d.AuthType, d.AuthString, d.Reserved = r.number("vrrp.auth_type"), r.text("vrrp.auth_string"), r.number("vrrp.reserved_mbz")
	d.Interval = time.Duration(r.number("vrrp.adver_int"))*time.Second + time.Duration(r.number("vrrp.short_adver_int"))*10*time.Millisecond
	d.ChecksumGood = r.number("vrrp.checksum.status") == 1
	for _, field := range []string{"vrrp.ip_addr", "vrrp.ipv6_addr"} {
		for _, text := range r.values[field] {
			d.Addresses = append(d.Addresses, r.parseAddress(text))
		}
	}
	return d
}

func (r *fieldReader) text(fields ...string) string {
	for _, field := range fields {
		if v := r.values[field]; len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

func (r *fieldReader) number(fields ...string) int {
	text := r.text(fields...)
	if text == "" {
		return 0
	}
	return r.parseNumber(text)
}

func (r *fieldReader) parseNumber(text string) int {
	n, err := strconv.ParseInt(text, 0, 64)
	r.note(err)
	return int(n)
}

func (r *fieldReader) address(fields ...string) netip.Addr {
	text := r.text(fields...)
	if text == "" {
		return netip.Addr{}
	}
	return r.parseAddress(text)
}

func (r *fieldReader) parseAddress(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	r.note(err)
	return a
}

func (r *fieldReader) mac(field string) (m MAC) {
	hardware, err := net.ParseMAC(r.text(field))
	r.note(err)
	copy(m[:], hardware)
	return m
}

func (r *fieldReader) expert() (all []Expert) {
	severities, messages := r.values["_ws.expert.severity"], r.values["_ws.expert.message"]
	for i, severity := range severities {
		e := Expert{Severity: Severity(r.parseNumber(severity))}
		if i < len(messages) {
			e.Message = messages[i]
		}
		all = append(all, e)
	}
	return all
}

func (r *fieldReader) note(err error) {
	if r.err == nil {
		r.err = err
	}
}
