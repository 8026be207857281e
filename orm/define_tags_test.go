package orm

import (
	"fmt"
	"testing"
	"time"
)

func TestDefineWrongTags(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []string // each is said by a problem of its own
	}{
		"version": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  int64  `dynamo:"a" version:"true"`
			B  int64  `dynamo:"b" version:"true"`
			C  int64  `dynamo:"c" version:"yes"`
		}](), []string{".B: the version is field A already", `.C: version:"yes" is unknown: allowed is version:"true"`}},
		"version of a string": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a" version:"true"`
		}](), []string{".A: string cannot be the version, which counts the item's changes: use int64"}},
		"version of a pointer": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  *int64 `dynamo:"a" version:"true"`
		}](), []string{".A: *int64 cannot be the version"}},
		"version of few bits": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  int16  `dynamo:"a" version:"true"`
		}](), []string{".A: int16 cannot be the version"}},
		"version of a text": {wrong[struct {
			ID string  `dynamo:"id,hash"`
			A  weekday `dynamo:"a" version:"true"`
		}](), []string{".A: orm.weekday cannot be the version"}},
		"version that is more": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  int    `dynamo:"a" version:"true" default:"1" validate:"min=1" enum:"1,2" unique:"exact"`
		}](DefaultFunc(func(x *struct {
			ID string `dynamo:"id,hash"`
			A  int    `dynamo:"a" version:"true" default:"1" validate:"min=1" enum:"1,2" unique:"exact"`
		}) *int {
			return &x.A
		}, func() int { return 1 })), []string{
			`.A: version:"true" fills the attribute itself when it is written, so default cannot be said of it`,
			"so validate cannot be said of it", "so enum cannot be said of it", "so unique cannot be said of it", "so orm.DefaultFunc cannot be said of it",
			"it has a default tag and an orm.DefaultFunc"}},
		"version as a key": {Define[struct {
			ID string `dynamo:"id,hash"`
			A  int64  `dynamo:"a,range" version:"true"`
		}, Pair[string, int64]]("things").Err(), []string{".A: the version cannot be a key of the table"}},
		"stamps": {wrong[struct {
			ID string     `dynamo:"id,hash"`
			A  time.Time  `dynamo:"a" stamp:"created"`
			B  time.Time  `dynamo:"b" stamp:"created"`
			C  time.Time  `dynamo:"c" stamp:"deleted"`
			D  *time.Time `dynamo:"d" stamp:"updated"`
		}](), []string{`.B: stamp:"created" is field A already`, `.C: stamp:"deleted" is unknown: allowed is stamp:"created" or "updated"`, `.D: stamp:"updated" is for time.Time, this is *time.Time`}},
		"stamp of a number": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  int64  `dynamo:"a" stamp:"created"`
		}](), []string{`.A: stamp:"created" is for time.Time, this is int64: use time.Time, with`}},
		"stamp that is more": {wrong[struct {
			ID string    `dynamo:"id,hash"`
			A  time.Time `dynamo:"a" stamp:"created" default:"2026-01-02T03:04:05Z" validate:"required"`
			B  time.Time `dynamo:"b" stamp:"updated" version:"true"`
		}](), []string{".A: stamp:\"created\" fills the attribute itself when it is written, so default cannot", ".A: stamp:\"created\" fills the attribute itself when it is written, so validate cannot",
			".B: time.Time cannot be the version", ".B: an attribute cannot be version and stamp"}},
		"stamp as a key": {Define[struct {
			ID string    `dynamo:"id,hash"`
			A  time.Time `dynamo:"a,range,unixtime" stamp:"created"`
		}, Pair[string, time.Time]]("things").Err(), []string{`.A: stamp:"created" cannot be a key of the table`}},
		"output and log": {wrong[struct {
			ID string `dynamo:"id,hash" output:"hidden"`
			A  string `dynamo:"a" output:"secret"`
			B  string `dynamo:"b" log:"hidden"`
		}](), []string{`.A: output:"secret" is unknown: allowed is output:"hidden"`, `.B: log:"hidden" is unknown: allowed is log:"masked"`}},
		"enum": {wrong[struct {
			ID string        `dynamo:"id,hash"`
			A  string        `dynamo:"a" enum:"x,,y"`
			B  int8          `dynamo:"b" enum:"1,two,128"`
			C  string        `dynamo:"c" enum:"x, x"`
			D  string        `dynamo:"d" enum:"x,y" default:"z"`
			E  *int          `dynamo:"e" enum:"1,2" default:"3"`
			F  []string      `dynamo:"f" enum:"x"`
			G  float64       `dynamo:"g" enum:"1.5"`
			H  time.Time     `dynamo:"h" enum:"2026-01-02T03:04:05Z"`
			I  version       `dynamo:"i" enum:"1.2,x"`
			J  bool          `dynamo:"j" enum:"true"`
			K  time.Duration `dynamo:"k" enum:"1s"`
			L  colour        `dynamo:"l" enum:""`
			M  colour        `dynamo:"m" enum:"red, green" default:"red"`
		}](), []string{`.A: enum:"x,,y" has an empty value`, `.B: enum value "two" is no int8: allowed are whole numbers of 8 bits`, `.B: enum value "128" is no int8`, `.C: enum:"x, x" has "x" twice`,
			`.D: its default "z" is none of the values it may have: allowed are x, y`, `.E: its default "3" is none`, ".F: enum is for strings, integers", ".G: enum is for", ".H: enum is for",
			`.I: enum value "x" is no orm.version`, ".J: enum is for", ".K: enum is for", `.L: enum:"" has an empty value`}},
		"default functions": {
			wrong[thing](DefaultFunc(func(x *thing) *string { return &x.ID }, func() string { return "a" }), // fine, though it is the key
				DefaultFunc(func(x *thing) *string { return &x.B }, nil),
				DefaultFunc(func(x *thing) *string { return nil }, func() string { return "" }),
				DefaultFunc(func(x *noKey) *string { return &x.Name }, func() string { return "" }),
				DefaultFunc(func(x *thing) *string { return &x.A }, func() string { return "" }),
				DefaultFunc(func(x *thing) *string { return &x.ID }, func() string { return "b" })),
			[]string{".B: orm.DefaultFunc: the function that makes the value is nil", "orm.DefaultFunc: the function does not point at an attribute: return the address of a field of orm.thing, such as &u.ID",
				"orm.DefaultFunc: the function takes *orm.noKey, and the table's items are orm.thing", ".A: it has a default tag and an orm.DefaultFunc", ".ID: orm.DefaultFunc is said twice"}},
		"typos": {wrong[struct {
			ID string `dynamo:"id,hash" json:"id" db:"id" env:"ID" yaml:"id" form:"id" dynamodbav:"id"`
			A  string `dynamo:"a" uniqe:"exact"`
			B  string `dynamodb:"b"`
			C  string `dynamo:"c" Default:"x"`
			D  string `dynamo:"d" localindex:"by_d,range"`
			E  string `dynamo:"e" enums:"x,y"`
			F  string `dynamo:"f" tempalte:"{id}"`
			G  string `dynamo:"g" logs:"masked"`
			H  int    `dynamo:"h" verson:"true"`
			//lint:ignore SA5008 that is what is refused
			I string `dynamo:"i" index:"by_i,hash" index:"by_e,hash"`
			//lint:ignore SA5008 that is what is refused
			J string `dynamo:"j" default:"a" default:"b"`
			K struct {
				X string `dynamo:"x" default:"y"`
				Y string `dynamo:"y" output:"hidden" description:"fine"`
				Z string `dynamo:"z" validat:"required"`
			} `dynamo:"k"`
		}](), []string{`.A: the tag uniqe:"exact" is unknown, and looks like unique:"exact": write that`, `.B: the tag dynamodb:"b" is unknown, and looks like dynamo:"b"`, `.C: the tag Default:"x"`,
			`.D: the tag localindex:"by_d,range" is unknown, and looks like localIndex:"by_d,range"`, ".E: the tag enums", ".F: the tag tempalte", ".G: the tag logs", ".H: the tag verson",
			`.I: the tag index stands there twice, and Go reads the first only: write both in one, index:"by_i,hash;by_e,hash"`, ".J: the tag default stands there twice",
			`.K.X: the tag default has no effect inside another attribute`, ".K.Y: the tag output has no effect", `.K.Z: the tag validat:"required" is unknown`}},
		"embedded tags": {wrong[struct {
			ID    string `dynamo:"id,hash"`
			Deep3 `output:"hidden" validate:"required"`
		}](), []string{".Deep3: the tag output has no effect at an embedded struct: put it at the fields inside"}},
		"index keys": {Define[struct {
			A string `dynamo:"a,hash" localIndex:"by_a,range"`
			B int    `dynamo:"b,range"`
			C string `dynamo:"c,allowempty" index:"by_c,hash;by_c,range"`
			D *int   `dynamo:"d,null" index:"by_d,hash"`
		}, Pair[string, int]]("things").Err(), []string{`index "by_a" has "a" as both of its keys`, `index "by_c" has "c" as both`, ".C: `,allowempty` would write what the key of index \"by_c\" cannot be", ".C: `,allowempty`", ".D: `,null`"}},
		"two indexes": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a" index:"one,hash; two,hash;"`
		}](), []string{`.A: index name "": allowed are`, `.A: index:"" does not say what the attribute is`}},
	} {
		t.Run(name, func(t *testing.T) { checkProblems(t, c.err, c.want) })
	}
}

// thing is for options that need a named type.
type thing struct {
	ID string `dynamo:"id,hash"`
	A  string `dynamo:"a" default:"x"`
	B  string `dynamo:"b"`
}

// templates has attributes of all kinds for templates to name. Its own template
// is set on the way, as no struct tag can be.
type templates struct {
	ID      string        `dynamo:"id,hash"`
	Tenant  string        `dynamo:"tenant"`
	N       int           `dynamo:"n"`
	At      time.Time     `dynamo:"at"`
	Unix    time.Time     `dynamo:"unix,unixtime"`
	Colon   string        `dynamo:"a:b"`
	Key     string        `dynamo:"key" index:"by_key,hash"`
	Other   string        `dynamo:"other" index:"by_other,hash" template:"{tenant}"`
	Maybe   *string       `dynamo:"maybe,omitempty"`
	Tags    []string      `dynamo:"tags"`
	OK      bool          `dynamo:"ok"`
	Price   float64       `dynamo:"price"`
	Bytes   []byte        `dynamo:"bytes"`
	Version int64         `dynamo:"version" version:"true"`
	Updated time.Time     `dynamo:"updated" stamp:"updated"`
	Created time.Time     `dynamo:"created" stamp:"created"`
	Secret  string        `dynamo:"secret" output:"hidden"`
	Private string        `dynamo:"private" log:"masked"`
	Day     weekday       `dynamo:"day"`
	Wait    time.Duration `dynamo:"wait"`
}

// templated is the error of a definition that has the template at its attribute
// key: of the struct, and of the same schema at run time.
func templated(template string) (ofStruct, ofSchema error) {
	t := Define[templates, string]("things", func(d *definer) {
		d.schema.Attributes[d.plan.byName["key"].index[0]].Template = template
	})
	return t.Err(), DefineSchema(t.Schema()).Err()
}

func TestDefineWrongTemplates(t *testing.T) {
	for template, want := range map[string]string{
		"T#{tenant}#{n:06}":         "",
		"{tenant}|{at}|{unix}":      "",
		"{a:b}":                     "",
		"{a:b}#{n}":                 "",
		"{tenant}#{nobody}":         "{nobody} is none of the table's attributes: it has id, tenant",
		"{Tenant}":                  "{Tenant} is none of the table's attributes",
		"{key}#{tenant}":            "{key} is the attribute itself",
		"{other}#x":                 "{other} is composed by a template itself: name the attributes that it is made of",
		"{maybe}":                   "{maybe} is the pointer *string, which may be nil, and a part always has a value: use string",
		"{tags}":                    "{tags} is []string, stored as L, and cannot be a part",
		"{ok}":                      "{ok} is bool, stored as BOOL, and cannot be a part",
		"{price}":                   "{price} is float64, stored as N, and cannot be a part",
		"{bytes}":                   "{bytes} is []uint8, stored as B, and cannot be a part",
		"{version}#x":               "{version} changes with every write",
		"{updated}":                 "{updated} changes with every write",
		"{created}":                 "",
		"{secret}":                  "{secret} is hidden, and this attribute would show it",
		"{private}":                 "{private} is masked in logs, and this attribute would show it",
		"{tenant}{n}":               "nothing stands between {tenant} and the next part",
		"{tenant}#{tenant}":         "{tenant} stands there twice",
		"{tenant}x{n}":              `"x" stands behind {tenant} and begins with a letter or digit`,
		"{tenant}0{n}":              `"0" stands behind {tenant} and begins`,
		"{tenant}%{n}":              "'%' is for escapes",
		"%{tenant}":                 "'%' is for escapes",
		"{tenant}\x00{n}":           `"\x00" has a character that cannot be printed`,
		"{tenant":                   "its braces do not match",
		"tenant}":                   "its braces do not match",
		"{{tenant}}":                "its braces do not match",
		"{tenant}}":                 "its braces do not match",
		"{}":                        "{} is none of the table's attributes",
		"just text":                 "it names no attribute",
		"{n:}":                      "{n:} has no width behind the colon",
		"{n:6}":                     `{n} has the width "6": write 0 and a number from 1 to 20`,
		"{n:00}":                    `{n} has the width "00"`,
		"{n:021}":                   `{n} has the width "021"`,
		"{n:0x6}":                   `{n} has the width "0x6"`,
		"{tenant:06}":               `{tenant} is no number and cannot be padded: take ":06" out`,
		"{tenant}→{n:020}→":         "",
		"USER#{tenant}#ORDER#{day}": "",
		"{day}/{n}":                 "",
		"{wait}":                    "",
	} {
		t.Run(template, func(t *testing.T) {
			ofStruct, ofSchema := templated(template)
			if want == "" {
				checkProblems(t, ofStruct, nil)
				checkProblems(t, ofSchema, nil)
				return
			}
			what := fmt.Sprintf(": template:%q: ", template) + want
			checkProblems(t, ofStruct, []string{"orm.templates.Key" + what})
			checkProblems(t, ofSchema, []string{`attribute "key"` + what})
		})
	}
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"no key": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a" template:"{id}#"`
		}](), []string{`.A: template:"{id}#" is for keys, and the attribute is none`}},
		"no string": {Define[struct {
			ID int    `dynamo:"id,hash" template:"{a}"`
			A  string `dynamo:"a"`
		}, int]("things").Err(), []string{`.ID: template:"{a}" makes a string, this is int: use string`}},
		"text type": {Define[struct {
			ID version `dynamo:"id,hash" template:"{a}"`
			A  string  `dynamo:"a"`
		}, version]("things").Err(), []string{`.ID: template:"{a}" makes a string, this is orm.version`}},
		"pointer": {wrong[struct {
			ID string  `dynamo:"id,hash"`
			A  *string `dynamo:"a,omitempty" index:"by_a,hash" template:"{id}"`
		}](), []string{`.A: template:"{id}" makes a string, this is *string`}},
		"more": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a" index:"by_a,hash" template:"{id}" default:"x" validate:"required" enum:"x,y" unique:"exact"`
		}](), []string{`.A: template:"{id}" fills the attribute itself when it is written, so default cannot`, "so validate cannot", "so enum cannot", "so unique cannot"}},
		"reserved": {wrong[struct {
			ID string `dynamo:"id,hash" template:"unique#{a}"`
			A  string `dynamo:"a"`
		}](), []string{`.ID: template:"unique#{a}": partition keys that begin with "unique#"`}},
		"several": {wrong[struct {
			ID string   `dynamo:"id,hash" template:"{a}#{b}#{c}"`
			A  []string `dynamo:"a"`
			B  *int     `dynamo:"b"`
		}](), []string{"{a} is []string", "{b} is the pointer *int", "{c} is none"}},
		"masked all through": {wrong[struct {
			ID string `dynamo:"id,hash" template:"{a}#{b}" output:"hidden"`
			A  string `dynamo:"a" log:"masked"`
			B  string `dynamo:"b" output:"hidden"`
		}](), nil},
	} {
		t.Run(name, func(t *testing.T) { checkProblems(t, c.err, c.want) })
	}
}
