package track

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

func scriptProbe(s Script) probe {
	return func(ctx context.Context, timeout time.Duration) (failure, detail string) {
		r := script.Run(ctx, s.Command, timeout)
		detail = strings.TrimSpace(r.Output)
		switch {
		case r.TimedOut:
			return timedOut(timeout), detail
		case r.Err != nil:
			return r.Err.Error(), detail
		case r.Exit != 0:
			return fmt.Sprintf("exit status %d", r.Exit), detail
		}
		return "", ""
	}
}
