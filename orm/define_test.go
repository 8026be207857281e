package orm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type (
	noKey    struct{ Name string }
	onlyText struct{ N int }
	badIndex struct {
		ID string `dynamo:"id,hash"`
		A  string `dynamo:"a" index:"ix,hash"`
		B  string `dynamo:"b" index:"by_b,range"`
		C  string `dynamo:"c" index:"by_c"`
		D  string `dynamo:"d" localIndex:"by_d,range"`
		E  []int  `dynamo:"e" index:"by_e,hash"`
		F  string `dynamo:"f" index:"by_f,hash" localIndex:"by_f,range"`
		G  string `dynamo:"g" index:"by_e,hash"`
	}
	deep1 struct{ deep2 }
	deep2 struct{ Deep3 }
	Deep3 struct{ X string }
	loop  struct {
		ID   string `dynamo:"id,hash"`
		Next []node `dynamo:"next"`
	}
	node struct {
		Children []node `dynamo:"children"`
	}
)

func (t onlyText) MarshalText() ([]byte, error) { return nil, nil }

// wrong makes a definition from a struct that has its key in ID.
func wrong[T any](opts ...Option) error { return Define[T, string]("things", opts...).Err() }

func TestDefineWrong(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []string // each is said by a problem of its own
	}{
		"no key": {Define[noKey, string]("things").Err(), []string{"orm.noKey has no partition key: tag one field `dynamo:\"name,hash\"`"}},
		"two keys": {wrong[struct {
			A string `dynamo:"a,hash"`
			B string `dynamo:"b,hash"`
		}](), []string{"has 2 partition keys (a, b), a table has one"}},
		"two sort keys": {wrong[struct {
			A string `dynamo:"a,hash"`
			B string `dynamo:"b,range"`
			C string `dynamo:"c,range"`
		}](), []string{"has 2 sort keys (b, c), a table has at most one"}},
		"both keys": {wrong[struct {
			A string `dynamo:"a,hash,range"`
		}](), []string{"cannot be both keys", ""}},
		"one name twice": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"x"`
			B  string `dynamo:"x"`
		}](), []string{`.B: attribute "x" is also the name of field A`}},
		"unsupported types": {wrong[struct {
			ID string           `dynamo:"id,hash"`
			A  chan int         `dynamo:"a"`
			B  func()           `dynamo:"b"`
			C  complex128       `dynamo:"c"`
			D  any              `dynamo:"d"`
			E  []error          `dynamo:"e"`
			F  map[int]string   `dynamo:"f,allowemptyelem"`
			G  struct{ x int }  `dynamo:"g"`
			H  big.Int          `dynamo:"h"`
			I  onlyText         `dynamo:"i"`
			J  map[string][]any `dynamo:"j"`
			K  uintptr          `dynamo:"k"`
			L  *big.Int         `dynamo:"l"`
		}](), []string{".A: type chan int is not supported", ".B: type func()", ".C: type complex128", ".D: the interface interface {}", ".E[]: the interface error",
			".F: map key type int", "has no exported field to store", ".H: big.Int has only one of MarshalText", ".L: big.Int has only one of MarshalText", ".I: orm.onlyText has only one", ".J[][]: the interface", ".K: type uintptr"}},
		"values that would be lost": {wrong[struct {
			ID string              `dynamo:"id,hash"`
			A  map[string]string   `dynamo:"a"`
			B  *string             `dynamo:"b"`
			C  map[string]*int     `dynamo:"c"`
			D  map[string]int      `dynamo:"d"`
			E  map[string]string   `dynamo:"e,allowemptyelem"`
			F  *string             `dynamo:"f,allowempty"`
			G  struct{ M *[]byte } `dynamo:"g"`
		}](), []string{".A: entries of map[string]string with an empty value would not be stored: add `,allowemptyelem`", ".B: a *string that points at an empty value", ".C: entries of map[string]*int", ".G.M: a *[]uint8 that points"}},
		"custom encoding": {wrong[struct {
			ID string                          `dynamo:"id,hash"`
			A  types.AttributeValueMemberS     `dynamo:"a"`
			B  map[string]types.AttributeValue `dynamo:"b"`
		}](), []string{".B[]: the interface types.AttributeValue"}},
		"nested": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  struct {
				X string `dynamo:"x,hash"`
				Y chan int
				Z string `dynamo:"x"`
				W string `dynamo:"w,sett"`
			} `dynamo:"a"`
		}](), []string{".A.X: a key of the table cannot be inside another", ".A.Y: type chan int", `.A.Z: "x" is also the name of field X`, `.A.W: `}},
		"sets": {wrong[struct {
			ID string           `dynamo:"id,hash"`
			A  []bool           `dynamo:"a,set"`
			B  string           `dynamo:"b,set"`
			C  map[string]int   `dynamo:"c,set"`
			D  map[[2]byte]bool `dynamo:"d,set"`
			E  []string         `dynamo:"e,set"`
			F  map[int]struct{} `dynamo:"f,set"`
			G  [][]byte         `dynamo:"g,set"`
		}](), []string{".A: []bool cannot be a set: a set is", ".B: string cannot be a set", ".C: map[string]int cannot", ".D: map[[2]uint8]bool cannot"}},
		"embedded": {wrong[struct {
			ID string `dynamo:"id,hash"`
			*deep2
			time.Time
			deep1
		}](), []string{".deep2: an embedded pointer", ".Time: the embedded time.Time", ".deep1.deep2.Deep3: structs are embedded more than 2 deep"}},
		"key kinds": {Define[struct {
			A bool      `dynamo:"a,hash"`
			B time.Time `dynamo:"b,range"`
		}, Pair[bool, time.Time]]("things").Err(), []string{".A: bool is stored as BOOL and cannot be a key", ".B: a time.Time in text cannot be a key"}},
		"pointer key": {Define[struct {
			A *int `dynamo:"a,hash"`
		}, *int]("things").Err(), []string{".A: a key cannot be the pointer *int"}},
		"key type": {Define[struct {
			A int64 `dynamo:"a,hash"`
		}, string]("things").Err(), []string{"the key type is string, and the key fields of", "make it int64"}[:1]},
		"pair missing": {wrong[struct {
			A string `dynamo:"a,hash"`
			B int    `dynamo:"b,range"`
		}](), []string{"make it orm.Pair[string, int]"}},
		"pair of other types": {Define[struct {
			A string `dynamo:"a,hash"`
			B int    `dynamo:"b,range"`
		}, Pair[string, int64]]("things").Err(), []string{"make it orm.Pair[string, int]"}},
		"pair too many": {Define[struct {
			A string `dynamo:"a,hash"`
		}, Pair[string, int64]]("things").Err(), []string{"make it string"}},
		"defaults": {wrong[struct {
			ID string        `dynamo:"id,hash" default:"x"`
			A  int8          `dynamo:"a" default:"128"`
			B  bool          `dynamo:"b" default:"yes"`
			C  time.Duration `dynamo:"c" default:"5"`
			D  []string      `dynamo:"d" default:"a,b"`
			E  float64       `dynamo:"e" default:"NaN"`
			F  time.Time     `dynamo:"f" default:"yesterday"`
			G  uint          `dynamo:"g" default:"-1"`
			H  *int          `dynamo:"h" default:"one"`
		}](), []string{".ID: a key cannot have a default", `.A: default "128" is no int8: allowed are whole numbers of 8 bits`, `.B: default "yes" is no bool`, ".C: default", ".D: default", ".E: default", ".F: default", ".G: default", ".H: default"}},
		"unique": {wrong[struct {
			ID string    `dynamo:"id,hash" unique:"exact"`
			A  string    `dynamo:"a" unique:"exactly"`
			B  int       `dynamo:"b" unique:"normalized"`
			C  []string  `dynamo:"c" unique:"exact"`
			D  time.Time `dynamo:"d" unique:"exact"`
			E  string    `dynamo:"e#f" unique:"exact"`
			F  string    `dynamo:"unique_owner"`
		}](), []string{".ID: the partition key of a table without a sort key is unique already", `.A: unique:"exactly" is unknown: allowed are "exact"`, ".B: only strings are normalized", ".C: []string is stored as L and cannot be unique", ".D: time.Time cannot be unique", "cannot hold '#'", `.F: the attribute name "unique_owner"`}},
		"unique without a string key": {Define[struct {
			ID int    `dynamo:"id,hash"`
			A  string `dynamo:"a" unique:"exact"`
		}, int]("things").Err(), []string{".ID: the table has unique attributes, whose values are kept under string keys"}},
		"validate": {wrong[struct {
			ID string   `dynamo:"id,hash"`
			A  string   `dynamo:"a" validate:"emial"`
			B  int      `dynamo:"b" validate:"required,min=abc"`
			C  string   `dynamo:"c" validate:"required,"`
			D  string   `dynamo:"d" validate:"dive,required"`
			E  []string `dynamo:"e" validate:"dive,nope"`
			F  string   `dynamo:"f" validate:"validateFn"`
			G  string   `dynamo:"g" validate:"omitempty,oneof=a b|eq=c,max=5"`
		}](), []string{`.A: validate:"emial": unknown rule "emial"`, `.B: validate:"required,min=abc": rule "min=abc" does not fit int`, ".C: ", ".D: ", `.E: validate:"dive,nope": unknown rule "nope"`, ".F: "}},
		"validate inside": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  struct {
				X string `validate:"emial"`
			} `dynamo:"a"`
		}](), []string{`.A.X: validate:"emial": unknown rule "emial"`}},
		"indexes": {wrong[badIndex](), []string{`.A: index name "ix": allowed are 3 to 255`, `index "by_b" has no partition key`, `.C: index:"by_c" does not say`, `local index "by_d": only a table with a sort key`, `.E: []int is stored as L and cannot be a key of index "by_e"`, `.F: index "by_f" is said to be local here`, `.G: index "by_e" has its hash attribute already, "e"`}},
		"options": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a,omitemty" index:"by_a,hash"`
		}](TTL("b"), KeysOnly("by_b"), Include("by_a", "nothing"), Include("by_a")), []string{`.A: unknown option "omitemty" in its dynamo tag: allowed are hash`, `TTL attribute "b"`, `the projection of index "by_b"`, `index "by_a" includes attribute "nothing"`, `index "by_a" includes no attribute`}},
		"ttl": {wrong[struct {
			ID string    `dynamo:"id,hash"`
			A  time.Time `dynamo:"a"`
		}](TTL("a")), []string{".A: the TTL attribute is stored as S"}},
		"unixtime": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  int64  `dynamo:"a,unixtime"`
		}](), []string{".A: `,unixtime` is for time.Time, this is int64"}},
		"unexported": {wrong[struct {
			ID string `dynamo:"id,hash"`
			b  string `dynamo:"b"`
		}](), []string{".b: an unexported field cannot be an attribute"}},
		"no struct": {Define[string, string]("things").Err(), []string{"the item type string is no struct"}},
		"no fields": {wrong[struct{ a int }](), []string{"has no exported field", "has no partition key"}},
		"name":      {Define[loop, string]("Things").Err(), []string{`name "Things": allowed is`}},
		"reserved":  {Define[loop, string]("things_dlq").Err(), []string{`ends in "_dlq"`}},
		"nothing":   {Define[loop, string]("things").Err(), nil},
		"no problems": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `json:"a,omitempty" dynamo:"a"`
		}](), nil},
	} {
		t.Run(name, func(t *testing.T) { checkProblems(t, c.err, c.want) })
	}
}

// checkProblems checks that a definition's error has exactly the problems that
// say want, each one a KindDefinition that names place and table.
func checkProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var problems []string
	if err != nil {
		for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
			if !errors.Is(err, KindDefinition) {
				t.Errorf("problem %v is not of kind %q", err, KindDefinition)
			}
			if !regexp.MustCompile(`^orm/[a-z_]+_test.go:\d+: table "`).MatchString(err.Error()) {
				t.Errorf("problem %q does not begin with the place and the table", err)
			}
			problems = append(problems, err.Error())
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d:\n%s", len(problems), len(want), strings.Join(problems, "\n"))
	}
	for _, want := range want {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("no problem says %q:\n%s", want, strings.Join(problems, "\n"))
		}
	}
}

func TestParseTag(t *testing.T) {
	for text, want := range map[string]string{
		``:                                  "",
		`dynamo:"a,hash"`:                   "dynamo=a,hash",
		`dynamo:"a" index:"x,hash;y,range"`: "dynamo=a index=x,hash;y,range",
		`a:"\"\t"`:                          "a=\"\t",
		`a:"1"b:"2"`:                        "a=1 b=2",
		`dynamo:"a" default:x`:              "error",
		`dynamo`:                            "error",
		`dynamo: "a"`:                       "error",
		`dynamo:"a`:                         "error",
		`dynamo:"\q"`:                       "error",
	} {
		tags, err := parseTag(reflect.StructTag(text))
		var got []string
		for _, tag := range tags {
			got = append(got, tag.key+"="+tag.value)
		}
		if err != nil {
			got = []string{"error"}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("tag %s is read as %q, want %q", text, got, want)
		}
	}
}

// A table that is defined wrong may be used in package-level variables: its
// error is reported by whatever uses it.
func TestUseOfWrongDefinition(t *testing.T) {
	bad := Define[noKey, string]("things")
	name := Attr(bad, func(x *noKey) *string { return &x.Name })
	ix := IndexOf(bad, func(x *noKey) *string { return &x.Name }, func(x *noKey) *string { return &x.Name })
	ctx := context.Background()
	for what, err := range map[string]error{
		"insert": actionsErr(bad.Insert(noKey{})),
		"put":    actionsErr(bad.Put(noKey{})),
		"update": actionsErr(bad.Update("a", name.Set("x")).If(name.Exists())),
		"delete": actionsErr(bad.Delete("a").If(name.Eq("x"))),
		"check":  actionsErr(bad.Check("a", name.Exists())),
		"get":    second(bad.Get(ctx, nil, "a")),
		"encode": second(bad.Encode(noKey{})),
		"decode": second(bad.Decode(nil)),
		"query": func() error {
			for _, err := range ix.Query("a").All(ctx, nil) {
				return err
			}
			return nil
		}(),
	} {
		if !errors.Is(err, KindDefinition) {
			t.Errorf("%s: error is %v, want kind %q", what, err, KindDefinition)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func actionsErr(w Write) error { return second(w.Actions(context.Background(), nil)) }

func TestAttrPanics(t *testing.T) {
	other := order{}
	for what, f := range map[string]func(){
		"outside":      func() { Attr(orders, func(*order) *string { return &other.Code }) },
		"nil":          func() { Attr(orders, func(*order) *string { return nil }) },
		"no attribute": func() { Attr(orders, func(o *order) *string { return &o.Secret }) },
		"embedded":     func() { Attr(orders, func(o *order) *stamps { return &o.stamps }) },
		"time":         func() { Number(Define[clock, string]("clocks"), func(c *clock) *weekday { return &c.Day }) },
		"no index": func() {
			IndexOf(orders, func(o *order) *string { return &o.Code }, func(o *order) *string { return &o.Status })
		},
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "orm/") {
					t.Errorf("panic says %v, want the place of the definition", r)
				}
			}()
			f()
		})
	}
}

type weekday int

func (d weekday) MarshalText() ([]byte, error)     { return []byte("Monday"), nil }
func (d *weekday) UnmarshalText(text []byte) error { return nil }

type clock struct {
	ID  string  `dynamo:"id,hash"`
	Day weekday `dynamo:"day"`
}
