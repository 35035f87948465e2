// Package control is the control plane: one loop that owns all protocol state,
// steps the state machines of control/vrrp with what happens, and performs what
// they answer. It knows the fast path only through small interfaces.
package control
