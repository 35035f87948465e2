package netio

import (
	"context"
	"os"
	"time"
)

// readUntilDone lets read report what it reads from socket, until ctx has ended or read gives up. The channel is closed
// once everything is released.
func readUntilDone[T any](ctx context.Context, socket *os.File, events chan T, read func(context.Context)) <-chan T {
	stop := context.AfterFunc(ctx, func() { socket.SetReadDeadline(time.Unix(1, 0)) })
	go func() {
		defer close(events)
		defer socket.Close()
		defer stop()
		read(ctx)
	}()
	return events
}
