package tablelock

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

var update = flag.Bool("update", false, "write the golden files again")

// schemas draws definitions, each without errors, in no order.
func schemas() *rapid.Generator[[]*orm.Schema] {
	kinds := rapid.SampledFrom([]string{"S", "N", "B"})
	name := rapid.StringMatching(`[a-z][a-z0-9_]{2,8}[a-z]`)
	return rapid.Custom(func(t *rapid.T) []*orm.Schema {
		var all []*orm.Schema
		for _, table := range rapid.SliceOfNDistinct(name, 0, 5, rapid.ID).Draw(t, "tables") {
			attributes := rapid.SliceOfNDistinct(name, 2, 6, rapid.ID).Draw(t, "attributes")
			s := &orm.Schema{Name: table, Hash: attributes[0], Stream: rapid.Bool().Draw(t, "stream")}
			for _, a := range attributes {
				s.Attributes = append(s.Attributes, orm.AttributeSchema{Name: a, Type: kinds.Draw(t, "type")})
			}
			pick := func(label string) string { return rapid.SampledFrom(attributes).Draw(t, label) }
			if rapid.Bool().Draw(t, "warmed") {
				s.Settings.Warm = orm.Throughput{Read: rapid.IntRange(12000, 40000).Draw(t, "reads"), Write: rapid.SampledFrom([]int{0, 5000}).Draw(t, "writes")}
			}
			if rapid.Bool().Draw(t, "sorted") {
				s.Sort = attributes[1]
			}
			switch rapid.IntRange(0, 2).Draw(t, "expires") {
			case 1:
				s.TTL = pick("ttl")
			case 2:
				s.Settings.TTLOff = pick("ttl off")
			}
			for _, x := range rapid.SliceOfNDistinct(name, 0, 4, rapid.ID).Draw(t, "indexes") {
				index := orm.IndexSchema{Name: x, Hash: pick("hash"), Projection: orm.ProjectAll}
				switch rapid.IntRange(0, 3).Draw(t, "kind") {
				case 1:
					index.Sort = pick("sort")
				case 2:
					index.Projection, index.Include = orm.ProjectInclude, rapid.SliceOfNDistinct(rapid.SampledFrom(attributes), 1, 2, rapid.ID).Draw(t, "include")
				case 3:
					index.Local, index.Hash, index.Sort = true, s.Hash, pick("sort")
				}
				s.Indexes = append(s.Indexes, index)
			}
			all = append(all, s)
		}
		return all
	})
}

// TestRoundTrip: what is written is read again, and as the same bytes; nothing
// changes from a lock to itself.
func TestRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), File)
	rapid.Check(t, func(t *rapid.T) {
		drawn := schemas().Draw(t, "schemas")
		lock := Of(drawn)
		if err := Write(file, lock); err != nil {
			t.Fatal(err)
		}
		read, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(read, lock) {
			t.Fatalf("read %+v\nwrote %+v", read, lock)
		}
		first, err := Encode(lock)
		if err != nil {
			t.Fatal(err)
		}
		if len(first) == 0 || first[len(first)-1] != '\n' || strings.HasSuffix(string(first), "\n\n") {
			t.Fatalf("it does not end in one line feed: %q", first)
		}
		again, err := Encode(Of(rapid.Permutation(drawn).Draw(t, "permutation")))
		if err != nil || string(again) != string(first) {
			t.Fatalf("in another order it is\n%s\nand was\n%s", again, first)
		}
		if findings := Compare(lock, read); len(findings) > 0 {
			t.Fatalf("nothing changed, and found is %+v", findings)
		}
	})
}

// TestCompareEither: whatever two locks are, each difference is found, in order
// and from both sides.
func TestCompareEither(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Of(schemas().Draw(t, "a")), Of(schemas().Draw(t, "b"))
		forth, back := Compare(a, b), Compare(b, a)
		same := reflect.DeepEqual(a, b)
		if same != (len(forth) == 0) || same != (len(back) == 0) {
			t.Fatalf("equal %v, and found %+v and %+v", same, forth, back)
		}
		for i, f := range forth {
			if f.What == "" || f.Kind == Refused && len(f.Steps) == 0 {
				t.Fatalf("finding without words: %+v", f)
			}
			if i > 0 && (forth[i-1].Table > f.Table || forth[i-1].Table == f.Table && forth[i-1].Kind == Safe && f.Kind == Refused) {
				t.Fatalf("out of order: %+v", forth)
			}
		}
	})
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(filepath.Join(dir, File)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v, want %v", err, fs.ErrNotExist)
	}
	if err := Write(filepath.Join(dir, "absent", File), Of(nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into an absent folder: %v", err)
	}
	if err := Write(filepath.Join(dir, File), &Lock{Version: version, Tables: []Table{{Name: "x"}}}); err == nil || !strings.Contains(err.Error(), "has no partition key") {
		t.Errorf("a wrong lock was written: %v", err)
	}
	file := filepath.Join(dir, File)
	const table = `{"name":"users","hash":"id","attributes":{"id":"S"}}`
	for text, want := range map[string]string{
		"": "no lock of tables", "[]": "no lock of tables", "<<<<<<< HEAD": "the marks of a merge", "{\n<<<<<<< HEAD\n\"version\":1}": "git checkout --ours", "null": "no version", "{}": "no version",
		`{"version":0,"tables":[]}`:                                                             "no version",
		`{"version":2,"tables":[],"more":1}`:                                                    "version 2, and this Vinci knows version 1",
		`{"version":1,"tables":[],"more":1}`:                                                    "no lock of tables",
		`{"version":1,"tables":[]}{}`:                                                           "it is no lock of tables",
		`{"version":1,"tables":[` + table + `,` + table + `]}`:                                  `table "users" is there twice`,
		`{"version":1,"tables":[{"name":"","hash":"id"}]}`:                                      "a table has no name",
		`{"version":1,"tables":[{"name":"users","attributes":{"id":"S"}}]}`:                     `table "users": the table has no partition key`,
		`{"version":1,"tables":[{"name":"users","hash":"id"}]}`:                                 `attribute "id", a key of the table, has type ""`,
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"M"}}]}`:         `has type "M": keys have S, N or B`,
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"S","x":"S"}}]}`: `attribute "x" is part of no key`,
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"S"},"indexes":[{"name":"","hash":"id","projection":"ALL"}]}]}`:                                              "an index has no name",
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"S"},"indexes":[{"name":"by_x","projection":"ALL"}]}]}`:                                                      `index "by_x" has no partition key`,
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"S"},"indexes":[{"name":"x","hash":"id","projection":"ALL"},{"name":"x","hash":"id","projection":"ALL"}]}]}`: `index "x" is there twice`,
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"S"},"warm":{"read":-1}}]}`:                                                                                  "warm throughput is below 0",
		`{"version":1,"tables":[{"name":"users","hash":"id","attributes":{"id":"S"},"indexes":[{"name":"x","hash":"id","projection":"ALL","warm":{"write":-1}}]}]}`:                         `the warm throughput of index "x" is below 0`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want %q and the file's name", text, err, want)
		} else if !strings.Contains(err.Error(), "vinci tables lock") && !strings.Contains(err.Error(), "newer one") {
			t.Errorf("%s: %v does not say how to mend it", text, err)
		}
	}
	if err := os.WriteFile(file, []byte(`{"version":1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if l, err := Read(file); err != nil || !reflect.DeepEqual(l, Of(nil)) {
		t.Errorf("without tables: %+v, %v", l, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"tables":[{"name":"users","hash":"id","sort":"at","attributes":{"id":"S","at":"N"},"indexes":[{"name":"by_at","hash":"at","projection":"INCLUDE","include":["b","a"]}],"ttl":"x","stream":"NEW_IMAGE"}]}`))
	f.Add([]byte(`{"version":1,"tables":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Decode(b)
		if err != nil {
			return
		}
		text, err := Encode(l)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(text)
		if err != nil || !reflect.DeepEqual(again, l) {
			t.Fatalf("%+v became %+v (%v)", l, again, err)
		}
		if found := Compare(l, again); len(found) > 0 {
			t.Fatalf("found %+v", found)
		}
	})
}

var shop = names.Deployment{App: "shop", ID: "dev"}

// TestFromTemplates reads the templates that package constructs makes.
func TestFromTemplates(t *testing.T) {
	files, err := filepath.Glob("../../constructs/testdata/golden/dev/*.template.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("golden templates: %v, %v", files, err)
	}
	var locks []*Lock
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		l, err := FromTemplate(text, shop)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		locks = append(locks, l)
		if other, err := FromTemplate(text, names.Deployment{App: "shop", ID: "prod"}); err != nil || len(other.Tables) > 0 {
			t.Errorf("%s: tables of another deployment: %+v, %v", file, other, err)
		}
	}
	all, err := Merge(locks...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Encode(all)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/templates.lock.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the lock of the templates is\n%s\nwant\n%s (go test -update writes it)", got, want)
	}
	if _, err := Merge(all, all); err == nil || !strings.Contains(err.Error(), "is there twice") {
		t.Errorf("a table in two stacks: %v", err)
	}
}

func TestFromTemplate(t *testing.T) {
	in := func(properties string) string {
		return `{"Resources":{"T":{"Type":"AWS::DynamoDB::GlobalTable","Properties":` + properties + `}}}`
	}
	const key = `"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]`
	for name, test := range map[string]struct {
		text  string
		names string // of the tables; empty: none
		err   string
	}{
		"nothing":              {`{}`, "", ""},
		"a table":              {in(`{"TableName":"shop-dev-users",` + key + `}`), "users", ""},
		"other applications":   {in(`{"TableName":"shop-dev2-users",` + key + `}`), "", ""},
		"a longer application": {in(`{"TableName":"shop-dev-x-users",` + key + `}`), "", ""},
		"no name":              {in(`{` + key + `}`), "", ""},
		"computed name":        {in(`{"TableName":{"Fn::Sub":"shop-dev-users"},` + key + `}`), "", ""},
		"other types":          {`{"Resources":{"T":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"shop-dev-users",` + key + `}}}}`, "", ""},
		"YAML":                 {"Resources:\n  T: {}\n", "", "it is no JSON"},
		"wrong properties":     {in(`{"TableName":"shop-dev-users","KeySchema":5}`), "", "table T"},
		"no key":               {in(`{"TableName":"shop-dev-users"}`), "", "has no partition key"},
		"key type":             {in(`{"TableName":"shop-dev-users","KeySchema":[{"AttributeName":"id","KeyType":"PRIMARY"}]}`), "", `key type "PRIMARY"`},
		"key of three": {in(`{"TableName":"shop-dev-users",` + key + `,"GlobalSecondaryIndexes":[{"IndexName":"by_x","KeySchema":[{"AttributeName":"id","KeyType":"HASH"},{"AttributeName":"x","KeyType":"HASH"}]}]}`), "",
			`index "by_x": attributes "id" and "x" are both HASH`},
		"unused attribute": {in(`{"TableName":"shop-dev-users","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`), "", "part of no key"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := FromTemplate([]byte(test.text), shop)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, table := range l.Tables {
				got = append(got, table.Name)
			}
			if strings.Join(got, " ") != test.names {
				t.Errorf("tables %v, want %q", got, test.names)
			}
		})
	}
	warm, err := FromTemplate([]byte(in(`{"TableName":"shop-dev-users",`+key+`,"WarmThroughput":{"ReadUnitsPerSecond":15000},
		"GlobalSecondaryIndexes":[{"IndexName":"by_id","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},"WarmThroughput":{"WriteUnitsPerSecond":9000}}]}`)), shop)
	if err != nil || warm.Tables[0].Warm.Read != 15000 || warm.Tables[0].Indexes[0].Warm.Write != 9000 {
		t.Errorf("warm throughput: %+v, %v", warm, err)
	}
	for text, want := range map[string]string{`true`: "at", `"true"`: "at", `false`: "", `"false"`: ""} {
		l, err := FromTemplate([]byte(in(`{"TableName":"shop-dev-users",`+key+`,"TimeToLiveSpecification":{"AttributeName":"at","Enabled":`+text+`}}`)), shop)
		if err != nil || l.Tables[0].TTL != want || (l.Tables[0].TTLOff == "at") != (want == "") {
			t.Errorf("expiry that is enabled=%s: %+v, %v", text, l, err)
		}
	}
}

func FuzzFromTemplate(f *testing.F) {
	f.Add([]byte(`{"Resources":{"T":{"Type":"AWS::DynamoDB::GlobalTable","Properties":{"TableName":"shop-dev-users","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"TimeToLiveSpecification":{"Enabled":{}}}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := FromTemplate(b, shop)
		if err != nil {
			return
		}
		text, err := Encode(l)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if again, err := Decode(text); err != nil || !reflect.DeepEqual(again, l) {
			t.Fatalf("%+v became %+v (%v)", l, again, err)
		}
	})
}
