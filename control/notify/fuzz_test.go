package notify

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"
)

// A mail server may answer what it likes: the mail is sent, or it is not, soon.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("220 hello\r\n250-me\r\n250 8BITMIME\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n"))
	f.Add([]byte("220 hello\r\n500 no\r\n250 ok\r\n550 not him\r\n"))
	f.Add([]byte("220-\r\n220-\r\n220\r\n"))
	f.Add([]byte("421 later"))
	f.Add(bytes.Repeat([]byte("x"), 4*mostReplies))
	m := mail{Mail: Mail{From: "r1@example.net", To: []string{"a@example.net", "b@example.net"}, Helo: "r1", Timeout: time.Second}}
	f.Fuzz(func(t *testing.T, replies []byte) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			heard := make(chan struct{})
			go func() {
				defer close(heard)
				for b := make([]byte, 4096); ; {
					if _, err := theirs.Read(b); err != nil {
						return
					}
				}
			}()
			_, _ = theirs.Write(replies)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_ = m.over(ctx, ours, "mail.example.net")
		if ctx.Err() != nil {
			t.Error("it goes on after the server has hung up")
		}
	})
}
