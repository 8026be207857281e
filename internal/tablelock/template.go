package tablelock

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// globalTable is the resource type of every table of Vinci's.
const globalTable = "AWS::DynamoDB::GlobalTable"

type template struct {
	Resources map[string]struct {
		Type       string
		Properties json.RawMessage
	}
}

type properties struct {
	TableName            json.RawMessage
	AttributeDefinitions []struct{ AttributeName, AttributeType string }
	KeySchema            []keyElement
	GlobalSecondaryIndexes,
	LocalSecondaryIndexes []indexProperties
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       any // true, or "true" as CloudFormation takes it too
	}
	StreamSpecification struct{ StreamViewType string }
	WarmThroughput      warmThroughput
}

type warmThroughput struct{ ReadUnitsPerSecond, WriteUnitsPerSecond int }

func (w warmThroughput) units() orm.Throughput {
	return orm.Throughput{Read: w.ReadUnitsPerSecond, Write: w.WriteUnitsPerSecond}
}

type keyElement struct{ AttributeName, KeyType string }

type indexProperties struct {
	IndexName  string
	KeySchema  []keyElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
	WarmThroughput warmThroughput
}

// FromTemplate is the lock of the tables in a CloudFormation template, in JSON, as
// the CDK writes it and CloudFormation's GetTemplate returns it. A table's name is
// the definition's: without application and deployment. Tables that have another
// name, or one that CloudFormation makes, are none of a definition and are left
// out. [Merge] joins what is in several stacks.
func FromTemplate(text []byte, d names.Deployment) (*Lock, error) {
	var in template
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("read a CloudFormation template: it is no JSON (%w), and the CDK writes nothing else: deploy the stack with the CDK", err)
	}
	l := &Lock{Version: version, Tables: []Table{}}
	for _, id := range slices.Sorted(maps.Keys(in.Resources)) {
		r := in.Resources[id]
		if r.Type != globalTable {
			continue
		}
		var p properties
		if err := json.Unmarshal(r.Properties, &p); err != nil {
			return nil, fmt.Errorf("read a CloudFormation template: table %s: %w", id, err)
		}
		var physical string
		if json.Unmarshal(p.TableName, &physical) != nil {
			continue // an expression, or none
		}
		name, ok := strings.CutPrefix(physical, d.Name(""))
		if !ok || names.Check(name) != nil {
			continue
		}
		t, err := p.table(name)
		if err != nil {
			return nil, fmt.Errorf("read a CloudFormation template: table %s (%s): %w", id, physical, err)
		}
		l.Tables = append(l.Tables, t)
	}
	l.sort()
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("read a CloudFormation template: %w", err)
	}
	return l, nil
}

// Merge joins the locks of several stacks. No table may be in two of them.
func Merge(locks ...*Lock) (*Lock, error) {
	all := &Lock{Version: version, Tables: []Table{}}
	for _, l := range locks {
		all.Tables = append(all.Tables, l.Tables...)
	}
	all.sort()
	if err := all.check(); err != nil {
		return nil, err
	}
	return all, nil
}

func (p *properties) table(name string) (Table, error) {
	t := Table{Name: name, Attributes: map[string]string{}, Stream: p.StreamSpecification.StreamViewType, Warm: p.WarmThroughput.units()}
	for _, a := range p.AttributeDefinitions {
		t.Attributes[a.AttributeName] = a.AttributeType
	}
	var err error
	if t.Hash, t.Sort, err = readKey(p.KeySchema); err != nil {
		return Table{}, err
	}
	if on := p.TimeToLiveSpecification.Enabled; on == true || on == "true" {
		t.TTL = p.TimeToLiveSpecification.AttributeName
	} else {
		t.TTLOff = p.TimeToLiveSpecification.AttributeName
	}
	add := func(local bool, indexes []indexProperties) error {
		for _, x := range indexes {
			hash, sort, err := readKey(x.KeySchema)
			if err != nil {
				return fmt.Errorf("index %q: %w", x.IndexName, err)
			}
			t.Indexes = append(t.Indexes, Index{
				Name: x.IndexName, Local: local, Hash: hash, Sort: sort,
				Projection: x.Projection.ProjectionType, Include: x.Projection.NonKeyAttributes,
				Warm: x.WarmThroughput.units(),
			})
		}
		return nil
	}
	if err := add(false, p.GlobalSecondaryIndexes); err != nil {
		return Table{}, err
	}
	if err := add(true, p.LocalSecondaryIndexes); err != nil {
		return Table{}, err
	}
	return t, nil
}

// readKey reads a key of one or two parts. DynamoDB knows global indexes of more;
// Vinci's definitions do not.
func readKey(schema []keyElement) (hash, sort string, err error) {
	for _, e := range schema {
		part := &hash
		switch e.KeyType {
		case "HASH":
		case "RANGE":
			part = &sort
		default:
			return "", "", fmt.Errorf("attribute %q has key type %q: known are HASH and RANGE", e.AttributeName, e.KeyType)
		}
		if *part != "" {
			return "", "", fmt.Errorf("attributes %q and %q are both %s: a definition has one", *part, e.AttributeName, e.KeyType)
		}
		*part = e.AttributeName
	}
	return hash, sort, nil
}
