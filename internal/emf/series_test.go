package emf

import (
	"bytes"
	"testing"
	"time"
)

func TestMillisecondsEach(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, Record{Namespace: "N", Time: time.UnixMilli(5), Values: []Value{
		MillisecondsEach("Lag", []time.Duration{1500 * time.Microsecond, -time.Second, time.Minute}),
	}})
	want := `{"Lag":[1,0,60000],"_aws":{"Timestamp":5,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[[]],"Metrics":[{"Name":"Lag","Unit":"Milliseconds"}]}]}}` + "\n"
	if err != nil || b.String() != want {
		t.Errorf("%v\n%swant\n%s", err, &b, want)
	}
}
