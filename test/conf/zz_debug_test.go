package conf

import "fmt"

func dump(sets []sampleSet) {
	last := ""
	for i, s := range sets {
		now := fmt.Sprintf("r1 %04b r2 %04b", s.by["r1"], s.by["r2"])
		if now != last {
			fmt.Println(i, s.from.Format("05.000000"), s.to.Sub(s.from), now)
		}
		last = now
	}
	fmt.Println(len(sets))
}
