package lambdastart

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

func TestEndOn(t *testing.T) {
	overrun, other := errors.New("overrun"), errors.New("other")
	for _, tt := range []struct {
		err error
		end bool
	}{{nil, false}, {other, false}, {overrun, true}, {fmt.Errorf("batch: %w", overrun), true}} {
		out, err := EndOn(overrun, func(context.Context, int) (string, error) { return "out", tt.err })(t.Context(), 1)
		var end messages.InvokeResponse_Error
		if out != "out" || errors.As(err, &end) != tt.end || end.ShouldExit != tt.end || !tt.end && err != tt.err {
			t.Errorf("%v: %q, %v", tt.err, out, err)
		}
	}
}

func TestProblems(t *testing.T) {
	err := errors.Join(errors.New("a"), errors.Join(errors.New("b"), nil, fmt.Errorf("c: %w", errors.New("d"))))
	if got := Problems(err); !slices.Equal(got, []string{"a", "b", "c: d"}) {
		t.Errorf("%q", got)
	}
}
