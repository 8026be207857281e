package orm

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

// parcel has a composite key of every kind of part.
type parcel struct {
	PK      string    `dynamo:"pk,hash" template:"PARCEL#{tenant}#{depot}"`
	SK      string    `dynamo:"sk,range" template:"{grade}/{sent:020}/{at}|{due}~"`
	Tenant  string    `dynamo:"tenant"`
	Depot   colour    `dynamo:"depot"`
	Grade   version   `dynamo:"grade"`
	Sent    uint64    `dynamo:"sent"`
	At      time.Time `dynamo:"at"`
	Due     time.Time `dynamo:"due,unixtime"`
	Balance int64     `dynamo:"balance"`
	Owner   string    `dynamo:"owner"`
	ByOwner string    `dynamo:"by_owner" template:"{owner}→{balance}" index:"by_owner,hash"`
}

var parcels = Define[parcel, Pair[string, string]]("parcels")

func storedS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func storedN(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func TestTemplateCompose(t *testing.T) {
	if err := parcels.Err(); err != nil {
		t.Fatal(err)
	}
	pk, sk, owner := parcels.plan.byName["pk"].template, parcels.plan.byName["sk"].template, parcels.plan.byName["by_owner"].template
	for name, c := range map[string]struct {
		t       *template
		parts   Item
		want    string // or a part of the error
		missing string
	}{
		"plain":       {pk, Item{"tenant": storedS("acme"), "depot": storedS("north")}, "PARCEL#acme#north", ""},
		"escapes":     {pk, Item{"tenant": storedS("a#b"), "depot": storedS("50%")}, "PARCEL#a%23b#50%25", ""},
		"an escape":   {pk, Item{"tenant": storedS("a%23b"), "depot": storedS("x")}, "PARCEL#a%2523b#x", ""},
		"others stay": {pk, Item{"tenant": storedS("ä/→"), "depot": storedS("PARCEL")}, "PARCEL#ä/→#PARCEL", ""},
		"missing":     {pk, Item{"depot": storedS("")}, "", "tenant, depot"},
		"null":        {pk, Item{"tenant": &types.AttributeValueMemberNULL{Value: true}, "depot": storedS("x")}, "", "tenant"},
		"other type":  {pk, Item{"tenant": storedN("1"), "depot": storedS("x")}, "part {tenant}: its value is stored as N, and the attribute is S", ""},
		"no UTF-8":    {pk, Item{"tenant": storedS("\xff"), "depot": storedS("x")}, "part {tenant}: it is no valid UTF-8", ""},
		"all kinds": {sk, Item{"grade": storedS("1.2"), "sent": storedN("42"), "at": storedS("2026-01-02T03:04:05.5+02:00"), "due": storedN("1700000000")},
			"1.2/00000000000000000042/2026-01-02T01:04:05.500000000Z|2023-11-14T22:13:20.000000000Z~", ""},
		"zero times": {sk, Item{"grade": storedS("1.2"), "sent": storedN("0"), "at": storedS("0001-01-01T00:00:00Z"), "due": storedN(zeroUnix)}, "", "at, due"},
		"negative":   {sk, Item{"grade": storedS("1.2"), "sent": storedN("-1"), "at": storedS("2026-01-02T03:04:05Z"), "due": storedN("1")}, "part {sent}: -1 is negative", ""},
		"too many":   {sk, Item{"grade": storedS("1.2"), "sent": storedN("123456789012345678901"), "at": storedS("2026-01-02T03:04:05Z"), "due": storedN("1")}, "part {sent}: 123456789012345678901 has 21 digits, and is padded to 20", ""},
		"broken":     {sk, Item{"grade": storedS("1.2"), "sent": storedN("1.5"), "at": storedS("now"), "due": storedN("1")}, "part {sent}: it is no whole number", ""},
		"no time":    {sk, Item{"grade": storedS("1.2"), "sent": storedN("1"), "at": storedS("now"), "due": storedN("1")}, "part {at}: its value is no time", ""},
		"unicode":    {owner, Item{"owner": storedS("a→b↔"), "balance": storedN("-007")}, "a%E2%86%92b↔→-7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, missing, err := c.t.compose(c.parts)
			if err != nil {
				if got = err.Error(); !strings.Contains(got, c.want) || c.want == "" {
					t.Errorf("error is %v, want %q", err, c.want)
				}
				return
			}
			if got != c.want || strings.Join(missing, ", ") != c.missing {
				t.Errorf("composed is %q, missing %v, want %q, missing %s", got, missing, c.want, c.missing)
			}
		})
	}
}

func TestTemplateSplitRefuses(t *testing.T) {
	pk, sk := parcels.plan.byName["pk"].template, parcels.plan.byName["sk"].template
	const at = "2026-01-02T01:04:05.500000000Z"
	for name, c := range map[string]struct {
		t          *template
		text, want string
	}{
		"beginning":       {pk, "parcel#a#b", `it does not begin with "PARCEL#"`},
		"separator":       {pk, "PARCEL#a", `"#" is missing behind part {tenant}`},
		"one more":        {pk, "PARCEL#a#b#c", "written another way"},
		"empty part":      {pk, "PARCEL##b", "part {tenant} is empty"},
		"empty last":      {pk, "PARCEL#a#", "part {depot} is empty"},
		"empty":           {pk, "", "does not begin"},
		"needless escape": {pk, "PARCEL#%61#b", "written another way"},
		"small letters":   {pk, "PARCEL#%2f#b", "an escape is"},
		"cut off":         {pk, "PARCEL#a%2#b", "an escape is cut off"},
		"end":             {sk, "1/00000000000000000042/" + at + "|" + at, `"~" is missing behind part {due}`},
		"behind":          {sk, "1/00000000000000000042/" + at + "|2023-11-14T22:13:20.000000000Z~x", "something stands behind its end"},
		"not padded":      {sk, "1/42/" + at + "|2023-11-14T22:13:20.000000000Z~", "written another way"},
		"no number":       {sk, "1/0x000000000000000042/" + at + "|2023-11-14T22:13:20.000000000Z~", "part {sent}: it is no whole number"},
		"other zone":      {sk, "1/00000000000000000042/2026-01-02T01:04:05+01:00|2023-11-14T22:13:20.000000000Z~", "part {at}: no time as"},
		"lost digits":     {sk, "1/00000000000000000042/" + at + "|2023-11-14T22:13:20.500000000Z~", "written another way"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.t.split(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("split gives %v, %v, want error %q", got, err, c.want)
			}
		})
	}
}

// partsOf draws values for the two parts of an owner index or the partition key,
// with separators, escapes and near neighbours often.
func keyPart() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOf(rapid.SampledFrom([]rune("ab#%→/23E862９"))),
		rapid.String(),
	).Filter(func(s string) bool { return s != "" && utf8.ValidString(s) })
}

func TestTemplateIsUnambiguous(t *testing.T) {
	pk := parcels.plan.byName["pk"].template
	rapid.Check(t, func(t *rapid.T) {
		a := [2]string{keyPart().Draw(t, "a0"), keyPart().Draw(t, "a1")}
		b := [2]string{keyPart().Draw(t, "b0"), keyPart().Draw(t, "b1")}
		if rapid.Bool().Draw(t, "same tenant") {
			b[0] = a[0]
		}
		textA, textB := composed(t, pk, a), composed(t, pk, b)
		if (a == b) != (textA == textB) {
			t.Fatalf("%q and %q are composed to %q and %q", a, b, textA, textB)
		}
		// What the tenant's items begin with, no other tenant's does.
		prefix := strings.TrimSuffix(composed(t, pk, [2]string{a[0], "x"}), "x")
		if strings.HasPrefix(textB, prefix) != (a[0] == b[0]) {
			t.Fatalf("prefix %q of %q, and %q of %q", prefix, a, textB, b)
		}
		if !utf8.ValidString(textA) {
			t.Fatalf("%q is composed to %q, which is no UTF-8", a, textA)
		}
		parts, err := pk.split(textA)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{parts["tenant"].(*types.AttributeValueMemberS).Value, parts["depot"].(*types.AttributeValueMemberS).Value}; got != a {
			t.Fatalf("%q comes back as %q", a, got)
		}
	})
}

func composed(t *rapid.T, tp *template, parts [2]string) string {
	out, missing, err := tp.compose(Item{"tenant": storedS(parts[0]), "depot": storedS(parts[1])})
	if err != nil || missing != nil {
		t.Fatalf("%q: missing %v, error %v", parts, missing, err)
	}
	return out
}

func TestTemplateSorts(t *testing.T) {
	sk := parcels.plan.byName["sk"].template
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (uint64, time.Time, string) {
			n := rapid.Uint64().Draw(t, label)
			at := time.Unix(rapid.Int64Range(-2e9, 4e9).Draw(t, label+" at"), rapid.Int64Range(0, 999999999).Draw(t, label+" ns"))
			at = at.In(time.FixedZone("", 60*rapid.IntRange(-840, 840).Draw(t, label+" zone")))
			out, _, err := sk.compose(Item{"grade": storedS("1"), "sent": storedN(fmt.Sprint(n)), "at": storedS(at.Format(time.RFC3339Nano)), "due": storedN("1")})
			if err != nil {
				t.Fatal(err)
			}
			return n, at, out
		}
		n1, at1, text1 := draw("1")
		n2, at2, text2 := draw("2")
		if rapid.Bool().Draw(t, "same number") {
			n2 = n1
			text2 = strings.Replace(text2, text2[2:22], text1[2:22], 1)
		}
		want := at1.Compare(at2)
		if n1 < n2 {
			want = -1
		} else if n1 > n2 {
			want = 1
		}
		if got := strings.Compare(text1, text2); got != want {
			t.Fatalf("%q and %q compare as %d, want %d", text1, text2, got, want)
		}
	})
}

// A text that split takes is one that compose makes.
func FuzzTemplateSplit(f *testing.F) {
	for _, s := range []string{"PARCEL#a#b", "PARCEL#a%23#%25", "PARCEL#%E2%86%92#x", "a→-7", "%E2%86%92→0", "1/00000000000000000042/2026-01-02T01:04:05.500000000Z|2023-11-14T22:13:20.000000000Z~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, field := range parcels.plan.composed {
			parts, err := field.template.split(s)
			if err != nil {
				continue
			}
			if again, missing, err := field.template.compose(parts); err != nil || missing != nil || again != s {
				t.Errorf("%q is split into %v, which is composed to %q, missing %v, %v", s, parts, again, missing, err)
			}
		}
	})
}

func TestPlanCompose(t *testing.T) {
	full := func() Item {
		return Item{"pk": storedS("stale"), "by_owner": storedS("stale"), "tenant": storedS("t"), "depot": storedS("d"), "grade": storedS("1.2"), "sent": storedN("1"),
			"at": storedS("2026-01-02T03:04:05Z"), "due": storedN("1"), "owner": storedS("o"), "balance": storedN("5")}
	}
	item := full()
	if err := parcels.plan.compose("put", item); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"pk": "PARCEL#t#d", "by_owner": "o→5"} {
		if got := item[name].(*types.AttributeValueMemberS).Value; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	item = full()
	delete(item, "owner")
	if err := parcels.plan.compose("put", item); err != nil || item["by_owner"] != nil {
		t.Errorf("an index key without a part is %v, %v, want it left out", item["by_owner"], err)
	}

	for name, c := range map[string]struct {
		change func(Item)
		want   string
	}{
		"missing part": {func(i Item) { delete(i, "depot") }, "(attribute pk): it is composed by \"PARCEL#{tenant}#{depot}\", and depot is empty"},
		"too long":     {func(i Item) { i["grade"] = storedS(strings.Repeat("x", 1024)) }, "(attribute sk): composed by"},
		"index key":    {func(i Item) { i["owner"] = storedS(strings.Repeat("x", 2048)) }, "(attribute by_owner): composed by \"{owner}→{balance}\" it is 2052 bytes long, allowed are 2048"},
	} {
		item := full()
		c.change(item)
		if err := parcels.plan.compose("put", item); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}
