package main

import (
	"math"
	"testing"

	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/scenario"
)

func TestMeter(t *testing.T) {
	m := newMeter()
	events := scenario.Deployment.Table("events")
	m.observe(gateway.Call{Caller: gateway.Caller{Owner: true}, Operation: "TransactWriteItems", Body: []byte(`{"TransactItems":[{"Put":{"TableName":"` + events + `"}},{"Update":{"TableName":"own"}}]}`)})
	m.observe(gateway.Call{Caller: gateway.Caller{RoleARN: "arn:aws:iam::1:role/r"}, Operation: "PutItem", Body: []byte(`{"TableName":"` + events + `"}`)})
	m.observe(gateway.Call{Caller: gateway.Caller{RoleARN: "arn:aws:iam::1:role/r"}, Operation: "GetItem", Body: []byte(`{"TableName":"own"}`)})
	calls, writes := m.reset()
	for w, want := range map[write]float64{{committer, events, true}: 4, {committer, "own", true}: 0, {"r", events, false}: 3} {
		if writes[w] != 1 || unitsOf(w) != want {
			t.Errorf("%+v: %d writes of %v units, want one of %v", w, writes[w], unitsOf(w), want)
		}
	}
	if len(writes) != 3 || len(calls) != 3 || calls[call{"r", "GetItem"}] != 1 {
		t.Errorf("calls %v, writes %v", calls, writes)
	}
}

func TestBill(t *testing.T) {
	c := counted{parts: map[string]*share{
		committer:              {requests: map[string]float64{"TransactWriteItems": 1}, writeUnits: 4},
		labelRelay:             {requests: map[string]float64{"PutEvents": 0.1}, invocations: 0.1},
		users.CountTotal.Name:  {requests: map[string]float64{"TransactWriteItems": 1}, writeUnits: 2, invocations: 0.5},
		users.SendWelcome.Name: {requests: map[string]float64{"PutItem": 1, "UpdateItem": 1}, writeUnits: 2, invocations: 0.5, seconds: 0.008},
	}}
	b := c.bill(2)
	want := bill{
		requests: 1 + 0.1 + 1 + 2, writeUnits: 8,
		dynamodb: 8 * 0.625, events: 1,
		queue:  2 * (1 + 2*0.5) * 0.40,
		lambda: (0.1+0.5+0.5)*0.20 + 0.008*0.25*0.0000133334*1e6,
	}
	for name, v := range map[string][2]float64{
		"requests": {b.requests, want.requests}, "write units": {b.writeUnits, want.writeUnits}, "DynamoDB": {b.dynamodb, want.dynamodb},
		"EventBridge": {b.events, want.events}, "SQS": {b.queue, want.queue}, "Lambda": {b.lambda, want.lambda},
		"total": {b.total(), want.dynamodb + want.events + want.queue + want.lambda},
	} {
		if math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, v[0], v[1])
		}
	}
}
