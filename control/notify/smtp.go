package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"strings"
	"time"
)

var errSlowMail = errors.New("the server took too long")

// post sends a mail, or says that it could not. It is not tried again: a relay
// on this host is there to keep mails.
func (n *Notifier) post(m mail) {
	log := n.log.With(m.event.subject().attr(), "state", m.event.State, "server", m.Server)
	ctx, cancel := context.WithTimeoutCause(n.context, m.Timeout, errSlowMail)
	defer cancel()
	start := time.Now()
	if err := m.send(ctx); err != nil {
		log.Warn("mail is not sent", "error", err, "after", time.Since(start))
		return
	}
	log.Debug("mail is sent", "after", time.Since(start))
}

// send returns an error, too, if the server took the mail for some only.
func (m mail) send(ctx context.Context) error {
	err := m.connect(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // and not what that has led to
	}
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

func (m mail) connect(ctx context.Context) error {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return err
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return err
	}
	return m.over(ctx, connection, host)
}

// mostReplies bounds all that a server says: its lines have no bound of their own.
const mostReplies = 64 << 10

// replies is a connection on which there is an end to what is heard.
type replies struct {
	net.Conn
	heard io.Reader
}

func (r replies) Read(b []byte) (int, error) { return r.heard.Read(b) }

// over sends the mail over a connection, which it closes.
func (m mail) over(ctx context.Context, connection net.Conn, host string) error {
	defer connection.Close()
	// What waits for the server ends with ctx.
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	client, err := smtp.NewClient(replies{connection, io.LimitReader(connection, mostReplies)}, host)
	if err != nil {
		return err
	}
	return m.talk(client)
}

func (m mail) talk(client *smtp.Client) error {
	if err := client.Hello(m.Helo); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	if err := client.Mail(bare(m.From)); err != nil {
		return fmt.Errorf("from %s: %w", m.From, err)
	}
	refused := m.recipients(client)
	if len(refused) == len(m.To) {
		return errors.Join(refused...)
	}
	data, err := client.Data()
	if err != nil {
		return fmt.Errorf("send the text: %w", err)
	}
	if _, err := io.Copy(data, strings.NewReader(m.message(rand.Text()))); err != nil {
		return fmt.Errorf("send the text: %w", err)
	}
	if err := data.Close(); err != nil {
		return fmt.Errorf("send the text: %w", err)
	}
	_ = client.Quit() // the server has the mail
	return errors.Join(refused...)
}

// recipients says which of them the server does not take.
func (m mail) recipients(client *smtp.Client) (refused []error) {
	for _, address := range m.To {
		if err := client.Rcpt(bare(address)); err != nil {
			refused = append(refused, fmt.Errorf("to %s: %w", address, err))
		}
	}
	return refused
}
