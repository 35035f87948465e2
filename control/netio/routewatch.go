package netio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// routePause is the least time between two notifications of WatchRoutes.
	routePause = 100 * time.Millisecond
	// routeBuffer is little on purpose, room for a message or two: while a full table comes or goes the kernel drops nearly
	// all of it, which costs us nothing. What is dropped came before what will be read, and that says as much.
	routeBuffer = 1
)

// WatchRoutes tells that some IPv4 or IPv6 route came, went or changed, or may have: at once, but at most once in 100 ms,
// whatever happens in between. Ask HasRoute after the call and after each notification. The channel holds one
// notification and is closed once ctx has ended and everything is released; if it is closed before, the kernel refused
// to go on.
func (l *Links) WatchRoutes(ctx context.Context) (<-chan struct{}, error) {
	socket, err := subscribe(routeBuffer, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("subscribe to route changes: %w", err)
	}
	changes := make(chan struct{}, 1)
	return readUntilDone(ctx, socket, changes, func(ctx context.Context) { watchRoutes(ctx, socket, changes) }), nil
}

func watchRoutes(ctx context.Context, socket *os.File, changes chan<- struct{}) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		var first [1]byte // what changed does not matter
		if _, err := socket.Read(first[:]); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
		select {
		case changes <- struct{}{}:
		default: // the one before was not read yet: it will be after this change
		}
		pause.Reset(routePause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}
