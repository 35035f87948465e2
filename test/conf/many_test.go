package conf

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

// everyVRID is an instance for each, on one interface.
func everyVRID(interval time.Duration) string {
	var b strings.Builder
	b.WriteString(realTime)
	for vrid := 1; vrid <= 255; vrid++ {
		fmt.Fprintln(&b, stanza{
			name: fmt.Sprintf("vr%d", vrid), nic: "eth0", vrid: vrid, priority: 254, interval: interval,
			addresses: []string{fmt.Sprintf("10.9.%d.1/24", vrid)},
		})
	}
	return b.String()
}

// electionTime is what 255 instances may take beyond the protocol's own time.
const electionTime = 2 * time.Second

func Test255InstancesLoadAndElectInTwoSeconds(t *testing.T) {
	for interval, runs := range map[time.Duration]int{100 * time.Millisecond: 3, time.Second: 1} {
		t.Run(interval.String(), func(t *testing.T) {
			s := newSite(t)
			config := everyVRID(interval)
			for range runs {
				took, report := s.r1.electAll(config)
				protocol := time.Duration(report.Instances[0].ActiveDownMS * float64(time.Millisecond))
				t.Logf("all are master %v after the start; of that Active_Down_Interval is %v", took, protocol)
				if took > protocol+electionTime {
					t.Errorf("that is %v more than the protocol takes, want at most %v", took-protocol, electionTime)
				}
				if interval < time.Second && took > electionTime {
					t.Errorf("that is more than %v", electionTime)
				}
				must(t, s.r1.daemon.Stop())
				if status, err := s.r1.daemon.Wait(patience); err != nil || status != 0 {
					t.Fatalf("the exit status is %d, %v", status, err)
				}
			}
		})
	}
}

// electAll starts the router, and waits until all instances are master.
func (r *router) electAll(config string) (took time.Duration, report control.Report) {
	r.site.t.Helper()
	began := time.Now()
	r.starts(config)
	r.site.eventually(func() error {
		report = r.report()
		took = time.Since(began)
		for _, i := range report.Instances {
			if i.State != "MASTER" {
				return fmt.Errorf("%s is %s after %v", i.Name, i.State, took)
			}
		}
		return nil
	})
	return took, report
}
