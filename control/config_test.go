package control

import (
	"strings"
	"testing"
)

func TestValidateAcceptsInstancesThatDiffer(t *testing.T) {
	elsewhere := instanceOf(1, 100, func(c *InstanceConfig) { c.Name, c.Interface = "wan", "wan0" })
	if err := Validate([]InstanceConfig{instanceOf(1, 100), instanceOf(2, 100), elsewhere}); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesEveryDuplicate(t *testing.T) {
	first := instanceOf(1, 100)
	tests := map[string]struct {
		change func(*InstanceConfig)
		want   string
	}{
		"name":    {func(c *InstanceConfig) { c.Name = "gw1" }, `instance "gw1": the name is already that of instance "gw1"`},
		"vrid":    {func(c *InstanceConfig) { c.Router.VRID = 1 }, `instance "gw2": vrid 1 (ipv4) on lan0 is already that of instance "gw1"`},
		"address": {func(c *InstanceConfig) { c.Router.Addresses = first.Router.Addresses }, `instance "gw2": address 192.0.2.1 on lan0 is already that of instance "gw1"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Validate([]InstanceConfig{first, instanceOf(2, 100, test.change)})
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestValidateReportsEveryFault(t *testing.T) {
	err := Validate([]InstanceConfig{
		instanceOf(1, 0),
		instanceOf(2, 100, func(c *InstanceConfig) { c.Router.Interval = 5 }),
		instanceOf(2, 100),
	})
	for _, want := range []string{`instance "gw1": priority: 0`, `instance "gw2": interval`, `vrid 2 (ipv4) on lan0 is already`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
