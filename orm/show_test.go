package orm

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var shownGuest = guest{PK: "GUEST#h#0007", SK: "secret-sk", House: "h <&> \"ü\"", Room: 7, State: "here", Arrived: time.Unix(1700000000, 0), Card: "4111", Code: "1234",
	Rate: 1e21, Labels: []string{"b", "a"}, Blob: []byte{0, 255}, Vip: true}

func TestJSON(t *testing.T) {
	for name, c := range map[string]struct {
		json func() ([]byte, error)
		want string
	}{
		"struct": {func() ([]byte, error) { return guests.JSON(shownGuest) },
			`{"pk":"GUEST#h#0007","house":"h <&> \"ü\"","room":7,"state":"here","grade":"0.0","arrived":1700000000,"seen":"0001-01-01T00:00:00Z","edition":0,"card":"4111","rate":1000000000000000000000,"tax":0,"since":"0001-01-01T00:00:00Z","vip":true,"labels":["a","b"],"blob":"AP8="}`},
		"item": {func() ([]byte, error) {
			return DefineSchema(orders.Schema()).JSON(Item{
				"zz": &types.AttributeValueMemberNULL{Value: true}, "aa": &types.AttributeValueMemberBS{Value: [][]byte{{2}, nil, {1}}},
				"total": storedN("12345678901234567890123456789012345678"), "number": storedN("-0.1"), "tenant": storedS("\u2028\x00"), "more": &types.AttributeValueMemberM{Value: Item{
					"b": &types.AttributeValueMemberL{Value: []types.AttributeValue{storedN("1E+20"), &types.AttributeValueMemberBOOL{}, &types.AttributeValueMemberL{}}},
					"a": &types.AttributeValueMemberNS{Value: []string{"10", "9", "-1", "12345678901234567890123456789012345678", "12345678901234567890123456789012345677"}}, "c": &types.AttributeValueMemberB{}}}})
		}, `{"tenant":"\u2028\u0000","number":-0.1,"total":12345678901234567890123456789012345678,"aa":["","AQ==","Ag=="],"more":{"a":[-1,9,10,12345678901234567890123456789012345677,12345678901234567890123456789012345678],"b":[1E+20,false,[]],"c":""},"zz":null}`},
		"empty": {func() ([]byte, error) { return DefineSchema(orders.Schema()).JSON(nil) }, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.json()
			if err != nil || string(got) != c.want {
				t.Errorf("JSON is\n%s, %v, want\n%s", got, err, c.want)
			}
			if !json.Valid(got) {
				t.Error("it is no JSON")
			}
		})
	}
	for what, n := range map[string]string{"empty": "", "no number": "x", "a text": `"1"`, "a word": "null", "two": "1,2"} {
		_, err := DefineSchema(orders.Schema()).JSON(Item{"total": storedN(n)})
		if err == nil || !strings.Contains(err.Error(), "(attribute total)") {
			t.Errorf("number that is %s: error is %v", what, err)
		}
	}
	if _, err := Define[noKey, string]("things").JSON(noKey{}); err == nil {
		t.Error("a wrong definition can be used")
	}
}

func TestLogValue(t *testing.T) {
	for format, c := range map[string]struct {
		handler func(*bytes.Buffer) slog.Handler
		want    string
	}{
		"text": {func(b *bytes.Buffer) slog.Handler {
			return slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: noTime})
		},
			`level=INFO msg=guest g.pk=GUEST#h#0007 g.house="h <&> \"ü\"" g.room=7 g.state=here g.grade=0.0 g.arrived=1700000000 g.seen=0001-01-01T00:00:00Z g.edition=0 g.card=*** g.rate=1000000000000000000000 g.tax=0 g.since=0001-01-01T00:00:00Z g.vip=true g.labels="[\"a\",\"b\"]" g.blob="\"AP8=\""`},
		"JSON": {func(b *bytes.Buffer) slog.Handler {
			return slog.NewJSONHandler(b, &slog.HandlerOptions{ReplaceAttr: noTime})
		},
			`{"level":"INFO","msg":"guest","g":{"pk":"GUEST#h#0007","house":"h <&> \"ü\"","room":7,"state":"here","grade":"0.0","arrived":1700000000,"seen":"0001-01-01T00:00:00Z","edition":0,"card":"***","rate":1000000000000000000000,"tax":0,"since":"0001-01-01T00:00:00Z","vip":true,"labels":["a","b"],"blob":"AP8="}}`},
	} {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			slog.New(c.handler(&b)).Info("guest", "g", guests.LogValue(shownGuest))
			if got := strings.TrimSpace(b.String()); got != c.want {
				t.Errorf("logged is\n%s, want\n%s", got, c.want)
			}
		})
	}
	if got := Define[noKey, string]("things").LogValue(noKey{}).String(); !strings.Contains(got, "no partition key") {
		t.Errorf("a wrong definition is logged as %s", got)
	}
	if got := everythings.LogValue(everything{F64: math.NaN()}).String(); !strings.Contains(got, "error=") {
		t.Errorf("an item that cannot be stored is logged as %s", got)
	}
}

func noTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

func TestKeyTextMasks(t *testing.T) {
	type login struct {
		Phone string `dynamo:"phone,hash" log:"masked"`
		At    int64  `dynamo:"at,range"`
		Token string `dynamo:"token" output:"hidden"`
	}
	logins := Define[login, Pair[string, int64]]("logins")
	key := Item{"phone": storedS("+49 151"), "at": storedN("5")}
	if got := logins.Schema().KeyText(key); got != "***, 5" {
		t.Errorf("key text is %s", got)
	}
	// Whatever goes wrong, the errors of typed methods do not say the key.
	for _, err := range []error{
		second(logins.Get(t.Context(), stub{}, Key("+49 151", int64(5)))),
		second(logins.Get(t.Context(), stub{}, Key("unique#+49 151", int64(5)))),
	} {
		if err == nil || strings.Contains(err.Error(), "151") || !strings.Contains(err.Error(), "***, 5") {
			t.Errorf("error is %v, want one with the key masked", err)
		}
	}
	for pk, want := range map[string]string{"a": `"a", ***`, "unique#card#41#11": `"unique#card#***", ***`, "unique#house#h": `"unique#house#h", ***`, "unique#card": `"unique#card", ***`} {
		if got := guests.Schema().KeyText(Item{"pk": storedS(pk), "sk": storedS("b")}); got != want {
			t.Errorf("key text is %s, want %s", got, want)
		}
	}
}

// The errors of the codec quote values, except those that are kept out.
func TestCodecErrorsMask(t *testing.T) {
	type login struct {
		ID   string    `dynamo:"id,hash"`
		At   time.Time `dynamo:"at" log:"masked"`
		Pin  int8      `dynamo:"pin" output:"hidden"`
		Rate Decimal   `dynamo:"rate" log:"masked"`
		Size int8      `dynamo:"size"`
	}
	logins := Define[login, string]("logins")
	at := Attr(logins, func(l *login) *time.Time { return &l.At })
	for what, c := range map[string]struct {
		err   error
		value string
		shown bool
	}{
		"time":    {second(logins.Decode(Item{"id": storedS("a"), "at": storedS("half past nine")})), "nine", false},
		"number":  {second(logins.Decode(Item{"id": storedS("a"), "pin": storedN("1234")})), "1234", false},
		"decimal": {second(logins.Decode(Item{"id": storedS("a"), "rate": storedN("12x4")})), "12x4", false},
		"shown":   {second(logins.Decode(Item{"id": storedS("a"), "size": storedN("1234")})), "1234", true},
		"encode":  {second(logins.Encode(login{ID: "a", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 1234))})), "1234", false},
		"set":     {actionsErr(logins.Update("a", at.Set(time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 1234))))), "1234", false},
	} {
		if c.err == nil || strings.Contains(c.err.Error(), c.value) != c.shown {
			t.Errorf("%s: error is %v, says the value: want %v", what, c.err, c.shown)
		}
	}
}
