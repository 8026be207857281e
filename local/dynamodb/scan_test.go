package dynamodb

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzScan: whatever valid object is walked over, the walk finds what
// encoding/json finds.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{}`, ` { "a" : [ 1 , {"b":"}\"]"} ] , "c\u0064" : null } `, `{"a":1,"a":[[],{}]}`, `{"\ud800":true,"x":"\xff"}`, `[1]`, `{"SS":["b","a"]}`, `{"a":-1.5e3}`, "\v{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want map[string]json.RawMessage
		wrong := json.Unmarshal(body, &want)
		o, err := parse(body)
		if (err == nil) != (wrong == nil && want != nil) {
			t.Fatalf("%q: %v; encoding/json says %v", body, err, wrong)
		}
		if err != nil {
			return
		}
		got := map[string]json.RawMessage{}
		o.members(func(name, value []byte) { got[string(name)] = value })
		if len(got) != len(want) {
			t.Fatalf("%q: %d members; want %d", body, len(got), len(want))
		}
		for name, value := range want {
			if !bytes.Equal(got[name], value) {
				t.Fatalf("%q: member %q is %q; want %q", body, name, got[name], value)
			}
			var elements []json.RawMessage
			if json.Unmarshal(value, &elements) == nil && elements != nil {
				i := 0
				object(value).elements(func(e []byte) {
					if i < len(elements) && !bytes.Equal(e, elements[i]) {
						t.Fatalf("%q: element %d of %q is %q; want %q", body, i, name, e, elements[i])
					}
					i++
				})
				if i != len(elements) {
					t.Fatalf("%q: %d elements of %q; want %d", body, i, name, len(elements))
				}
			}
		}
	})
}

func BenchmarkStripToken(b *testing.B) {
	body := []byte(`{"ClientRequestToken":"0123456789abcdef","TransactItems":[` +
		`{"Update":{"TableName":"app-local-deliveries","Key":{"event_id":{"S":"user/1@1"},"subscription":{"S":"count_total"}},"UpdateExpression":"SET #0=:0,#1=:1,#2=if_not_exists(#2,:2) REMOVE #3 ADD #4 :4","ConditionExpression":"attribute_not_exists(#0) OR #0 IN (:5,:6)","ExpressionAttributeNames":{"#0":"status","#1":"run_id","#2":"first_at","#3":"lease_until","#4":"attempts"},"ExpressionAttributeValues":{":0":{"S":"succeeded"},":1":{"S":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"},":2":{"S":"2026-01-01T00:00:00.000000000Z"},":4":{"N":"1"},":5":{"S":"failed"},":6":{"S":"processing"}}}},` +
		`{"Update":{"TableName":"app-local-user_stats","Key":{"stat_key":{"S":"global"}},"UpdateExpression":"SET #0=:0 ADD #1 :1","ExpressionAttributeNames":{"#0":"updated_at","#1":"total_users"},"ExpressionAttributeValues":{":0":{"S":"2026-01-01T00:00:00.000000000Z"},":1":{"N":"1"}}}}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := stripToken(body); err != nil {
			b.Fatal(err)
		}
	}
}
