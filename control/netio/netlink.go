package netio

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// dumpAttempts bounds how often a listing is repeated that changes disturbed while the kernel wrote it.
const dumpAttempts = 8

// route is a socket for rtnetlink requests. It may be used from several goroutines; their requests take turns.
type route struct {
	sockets map[int]*nl.SocketHandle
}

func openRoute() (route, error) {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return route{}, fmt.Errorf("open a netlink socket: %w", err)
	}
	// The kernel is to leave out of a listing what was not asked for: routing tables can have a million routes.
	if err := unix.SetsockoptInt(socket.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1); err != nil {
		socket.Close()
		return route{}, fmt.Errorf("open a netlink socket for strict listings: %w", err)
	}
	return route{map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: socket}}}, nil
}

func (r route) close() {
	r.sockets[unix.NETLINK_ROUTE].Close()
}

// change performs a request that the kernel only acknowledges.
func (r route) change(kind, flags int, data ...nl.NetlinkRequestData) error {
	_, err := r.execute(kind, flags|unix.NLM_F_ACK, 0, data)
	return err
}

// get performs a request that the kernel answers with one message of type answer.
func (r route) get(kind int, answer uint16, data ...nl.NetlinkRequestData) ([]byte, error) {
	messages, err := r.execute(kind, 0, answer, data)
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 {
		return nil, fmt.Errorf("netlink request %d: %d answers instead of one", kind, len(messages))
	}
	return messages[0], nil
}

// list performs a request that the kernel answers with any number of messages of type answer.
func (r route) list(kind int, answer uint16, data ...nl.NetlinkRequestData) ([][]byte, error) {
	var messages [][]byte
	var err error
	for range dumpAttempts {
		messages, err = r.execute(kind, unix.NLM_F_DUMP, answer, data)
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	return messages, err
}

// visit is list for what may be too much to hold: look is shown each message, until it wants no more. What it is shown
// may come again when changes disturbed the listing.
func (r route) visit(kind int, answer uint16, look func(message []byte) (more bool), data ...nl.NetlinkRequestData) error {
	var err error
	for range dumpAttempts {
		err = r.request(kind, unix.NLM_F_DUMP, data).ExecuteIter(unix.NETLINK_ROUTE, answer, look)
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	return err
}

func (r route) execute(kind, flags int, answer uint16, data []nl.NetlinkRequestData) ([][]byte, error) {
	return r.request(kind, flags, data).Execute(unix.NETLINK_ROUTE, answer)
}

func (r route) request(kind, flags int, data []nl.NetlinkRequestData) *nl.NetlinkRequest {
	request := nl.NewNetlinkRequest(kind, flags)
	request.Sockets = r.sockets
	for _, d := range data {
		request.AddData(d)
	}
	return request
}
