package track

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
)

// commLen is what the kernel keeps of a program's name: TASK_COMM_LEN less one.
const commLen = 15

// process is what a match looks at.
type process struct {
	comm string
	args []string // the command line; only if somebody wants it
}

// wantsArgs: one who looks at parameters looks at the whole command line.
func (m ProcessMatch) wantsArgs() bool { return m.Full || !m.AnyParams }

func (m ProcessMatch) matches(p process) bool {
	if !m.wantsArgs() {
		return p.comm == m.Command[:min(len(m.Command), commLen)]
	}
	if len(p.args) == 0 || p.args[0] != m.Command {
		return false
	}
	return m.AnyParams || m.matchesParams(p.args[1:])
}

func (m ProcessMatch) matchesParams(args []string) bool {
	n := len(m.Params)
	switch {
	case len(args) < n, len(args) > n && (n == 0 || !m.Partial && !m.Initial):
		return false
	case m.Initial && n > 0:
		return slices.Equal(args[:n-1], m.Params[:n-1]) && strings.HasPrefix(args[n-1], m.Params[n-1])
	}
	return slices.Equal(args[:n], m.Params)
}

// readProcess is false for one that is gone, or a zombie.
func readProcess(proc string, pid int, withArgs bool) (process, bool) {
	dir := proc + "/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return process{}, false
	}
	// proc_pid_stat(5): pid (comm) state …; the name may hold parentheses itself.
	begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if begin < 0 || end < begin || end+2 >= len(stat) || stat[end+2] == 'Z' || stat[end+2] == 'X' {
		return process{}, false
	}
	p := process{comm: string(stat[begin+1 : end])}
	if withArgs {
		line, _ := os.ReadFile(dir + "/cmdline")
		if text := strings.TrimSuffix(string(line), "\x00"); text != "" {
			p.args = strings.Split(text, "\x00")
		}
	}
	return p, true
}

// listProcesses returns their ids.
func listProcesses(proc string) ([]int, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}
