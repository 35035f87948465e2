package lab

import (
	"testing"
	"time"
)

func TestOfMorePausesThanThereIsRoomForTheLongestIsKept(t *testing.T) {
	began := time.Now()
	pause := func(length time.Duration) Pause { return Pause{From: began, To: began.Add(length)} }
	pauses := make([]Pause, 0, 2)
	for _, length := range []time.Duration{5, 4, 9, 7} {
		pauses = note(pauses, pause(length))
	}
	if len(pauses) != 2 || WorstPause(pauses) != 9 {
		t.Errorf("noted are %v", pauses)
	}
}
