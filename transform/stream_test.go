package transform_test

import (
	"strings"
	"testing"

	"nightjar/transform"
)

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		stream transform.Stream
		o      transform.Options
		want   string
	}{
		{transform.Stream{}, transform.Options{Location: paris(t)}, "no such stream"},
		{transform.ClosedConversations(), transform.Options{}, "no time zone"},
		{transform.Calls(), transform.Options{Location: paris(t), DurationUnit: 7}, "units of 7ns is not supported"},
		{transform.Calls(), transform.Options{Location: paris(t), DurationUnit: -1}, "is not supported"},
	} {
		if _, err := c.stream.NewDecoder(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the decoder of %s/%s with %v says %v, want %q", c.stream.Source, c.stream.Name, c.o, err, c.want)
		}
	}
}
