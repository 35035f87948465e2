// Package script runs what users give as checks and notifications: without a
// shell unless asked, as the user that was said, as a process group that is
// killed as a whole.
package script
