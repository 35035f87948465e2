package gateway

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// answerWithin bounds how long daemons may take, all of them together.
const answerWithin = 3 * time.Second

// Ask is what `vrrp-xdp status --json` says on the host, asked of the daemons
// themselves: to start a process each time, tests wait for nothing else. The error
// is that nobody answers. For any goroutine.
func Ask(h *lab.Host) (control.Report, error) {
	var sockets []string
	err := h.Do(func() error {
		dir, err := datapath.RunDir()
		if err != nil {
			return err
		}
		sockets, err = filepath.Glob(filepath.Join(dir, "*.sock"))
		return err
	})
	if err != nil {
		return control.Report{}, err
	}
	if len(sockets) == 0 {
		return control.Report{}, fmt.Errorf("no vrrp-xdp runs on %s", h.Name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	var all control.Report
	for _, socket := range sockets {
		report, err := control.FetchReport(ctx, socket)
		if err != nil {
			return all, fmt.Errorf("ask %s: %w", h.Name, err)
		}
		report.Interfaces = append(all.Interfaces, report.Interfaces...)
		report.Instances = append(all.Instances, report.Instances...)
		all = report
	}
	return all, nil
}
