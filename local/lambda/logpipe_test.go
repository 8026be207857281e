package lambda

import (
	"slices"
	"strings"
	"testing"
)

func TestLogPipe(t *testing.T) {
	long := strings.Repeat("x", maxLine+10)
	for _, c := range []struct {
		name  string
		write []string
		want  []string
	}{
		{"lines", []string{"a\nb\n\nc\n"}, []string{"a", "b", "", "c"}},
		{"in pieces", []string{"a", "b\nc", "d\n"}, []string{"ab", "cd"}},
		{"no end", []string{"a\nb"}, []string{"a", "b"}},
		{"carriage return", []string{"a\r\nb\r\n"}, []string{"a", "b"}},
		{"too long", []string{long + "\n"}, []string{long[:maxLine], long[maxLine:]}},
		{"nothing", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			p, w, err := newLogPipe(func(s string) { got = append(got, s) })
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				p.pump()
			}()
			for _, s := range c.write {
				if _, err := w.WriteString(s); err != nil {
					t.Fatal(err)
				}
			}
			w.Close()
			<-done
			p.flush()
			p.close()
			p.flush() // nothing more, and no harm
			if !slices.Equal(got, c.want) {
				t.Errorf("got %d lines %.50q; want %.50q", len(got), got, c.want)
			}
		})
	}
}

// TestLogPipeFlush: what was written is emitted when flush returns, whether pump
// has come to it or not.
func TestLogPipeFlush(t *testing.T) {
	var got []string
	p, w, err := newLogPipe(func(s string) { got = append(got, s) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer p.close()
	go p.pump()
	for i := range 1000 {
		if _, err := w.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
		p.flush()
		p.mu.Lock()
		if len(got) != i+1 {
			t.Fatalf("%d lines after %d", len(got), i+1)
		}
		p.mu.Unlock()
	}
}

func TestPeakMemory(t *testing.T) {
	if got := peakMemory([]byte("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n")); got != 2048<<10 {
		t.Errorf("got %d", got)
	}
	for _, bad := range []string{"", "VmRSS: 1 kB", "\nVmHWM: much kB"} {
		if got := peakMemory([]byte(bad)); got != 0 {
			t.Errorf("%q gives %d", bad, got)
		}
	}
}
