package local

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/assembly"
)

type sampleProperties struct {
	Name  string `cfn:",required"`
	Count *int
	Ratio float64
	On    bool
	Inner struct {
		Lower string `cfn:"lower,required"`
	}
	List   []struct{ N int }
	Map    map[string]string
	Raw    json.RawMessage
	Tags   label
	Ignore noEffect `why:"it is a test"`
	Deep   []struct {
		Ignore noEffect `why:"it is a test"`
	}
}

func decodeSample(t *testing.T, properties string) (sampleProperties, *report) {
	t.Helper()
	r := &assembly.Resource{Type: "AWS::Test::Sample", ConstructPath: "App/Sample/Resource", Properties: map[string]any{}}
	dec := json.NewDecoder(strings.NewReader(properties))
	dec.UseNumber()
	if err := dec.Decode(&r.Properties); err != nil {
		t.Fatal(err)
	}
	var rep report
	var props sampleProperties
	if ok := decode(&rep, r, &props); ok != (len(rep.errs) == 0) {
		t.Errorf("decode gives %v with errors %v", ok, rep.errs)
	}
	return props, &rep
}

func TestDecode(t *testing.T) {
	got, rep := decodeSample(t, `{"Name": "n", "Count": "3", "Ratio": 0.5, "On": "true", "Inner": {"lower": 12},
		"List": [{"N": 1}, {"N": 2}], "Map": {"a": "1", "b": 2}, "Raw": {"z": [1.50]}, "Tags": [{"Key": "k"}],
		"Ignore": 1, "Deep": [{"Ignore": 1}, {"Ignore": 2}]}`)
	if err := rep.err(); err != nil {
		t.Fatal(err)
	}
	three := 3
	want := sampleProperties{Name: "n", Count: &three, Ratio: 0.5, On: true, List: []struct{ N int }{{1}, {2}},
		Map: map[string]string{"a": "1", "b": "2"}, Raw: json.RawMessage(`{"z":[1.50]}`)}
	want.Inner.Lower = "12"
	want.Deep = got.Deep
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantNotes := []string{"no effect locally: AWS::Test::Sample Deep.Ignore, Ignore (App/Sample): it is a test"}
	if lines := rep.lines(); !reflect.DeepEqual(lines, wantNotes) {
		t.Errorf("notes %q, want %q", lines, wantNotes)
	}
}

func TestDecodeErrors(t *testing.T) {
	_, rep := decodeSample(t, `{"Count": 1.5, "On": "maybe", "Inner": {"Lower": "x"}, "List": [{"N": 1}, {"N": []}],
		"Map": [], "Colour": "red", "Ratio": {}, "Deep": {}}`)
	err := rep.err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"AWS::Test::Sample at App/Sample: property Name: is missing",
		`property Count: is "1.5", and must be a whole number`,
		`property On: is "maybe", and must be true or false`,
		"property Inner.lower: is missing",
		"property Inner.Lower: is not served here; known are lower",
		"property List[1].N: is a list, and must be a whole number",
		"property Map: is a list, and must be an object",
		"property Colour: is not served here; known are Count, Deep, Ignore, Inner, List, Map, Name, On, Ratio, Raw, Tags",
		"property Ratio: is an object, and must be a number",
		"property Deep: is an object, and must be a list",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 10 {
		t.Errorf("%d errors, want 10:\n%v", n, err)
	}
}
