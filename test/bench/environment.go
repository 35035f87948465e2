package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// fact is a line of the environment.
type fact struct{ name, value string }

// environment says all of the machine that the numbers depend on.
func environment() []fact {
	return []fact{
		{"kernel", kernel()},
		{"CPU", fmt.Sprintf("%s, %d of them", cpuModel(), runtime.NumCPU())},
		{"Spectre v2", contents("/sys/devices/system/cpu/vulnerabilities/spectre_v2")},
		{"net.core.bpf_jit_enable, _harden", contents("/proc/sys/net/core/bpf_jit_enable") + ", " + contents("/proc/sys/net/core/bpf_jit_harden")},
		{"kernel.bpf_stats_enabled", contents("/proc/sys/kernel/bpf_stats_enabled")},
		{"clang here", clang()},
		{"compiled with", "-O2 -mcpu=v3 (datapath/generate.go)"},
		{"Go", runtime.Version()},
	}
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return strings.Join([]string{unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:])}, " ")
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func contents(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// clang is the version of the compiler that made the programs, if it is installed.
func clang() string {
	text, err := exec.Command("clang-14", "--version").Output()
	if err != nil {
		return "not installed: the committed programs were measured"
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return first
}
