package migrate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// state is what a checkpoint keeps.
type state struct {
	Name       string    `json:"name"`
	Deployment string    `json:"deployment"`
	Table      string    `json:"table"`
	TableID    string    `json:"table_id,omitempty"` // empty: not known
	Hash       string    `json:"hash"`
	Sort       string    `json:"sort,omitempty"`
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished,omitzero"` // every segment was read to its end, and no item has failed
	Segments   []segment `json:"segments"`
	Failures   []Failure `json:"failures,omitempty"`
}

// segment is where one part of the scan is. Counts and place move together, so
// that what is done twice after a crash is not counted twice.
type segment struct {
	Next    itemKey `json:"next,omitempty"` // of the last item that was handled; nil: the beginning
	Done    bool    `json:"done,omitempty"`
	Read    int64   `json:"read"` // items, those of unique values among them
	Looked  int64   `json:"looked_at"`
	Changed int64   `json:"changed"`
	Skipped int64   `json:"skipped"`
}

// itemKey is a primary key in DynamoDB's JSON.
type itemKey orm.Item

// MarshalJSON implements [json.Marshaler].
func (k itemKey) MarshalJSON() ([]byte, error) {
	out := make(map[string]map[string]string, len(k))
	for name, av := range k {
		switch v := av.(type) {
		case *types.AttributeValueMemberS:
			out[name] = map[string]string{"S": v.Value}
		case *types.AttributeValueMemberN:
			out[name] = map[string]string{"N": v.Value}
		case *types.AttributeValueMemberB:
			out[name] = map[string]string{"B": base64.StdEncoding.EncodeToString(v.Value)}
		default:
			return nil, fmt.Errorf("attribute %q is %T and cannot be a key", name, av)
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (k *itemKey) UnmarshalJSON(b []byte) error {
	var in map[string]map[string]string
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if in == nil {
		*k = nil
		return nil
	}
	out := make(itemKey, len(in))
	for name, value := range in {
		if len(value) != 1 {
			return fmt.Errorf("attribute %q of a key must have one value, got %d", name, len(value))
		}
		for kind, text := range value {
			switch kind {
			case "S":
				out[name] = &types.AttributeValueMemberS{Value: text}
			case "N":
				out[name] = &types.AttributeValueMemberN{Value: text}
			case "B":
				raw, err := base64.StdEncoding.DecodeString(text)
				if err != nil {
					return fmt.Errorf("attribute %q of a key: %w", name, err)
				}
				out[name] = &types.AttributeValueMemberB{Value: raw}
			default:
				return fmt.Errorf("attribute %q of a key has type %q: allowed are S, N and B", name, kind)
			}
		}
	}
	*k = out
	return nil
}

// keeper keeps a state between runs.
type keeper interface {
	load() (*state, error) // nil: there is none
	save(*state) error
}

// file is a keeper that replaces its file as a whole.
type file string

func (f file) load() (*state, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var s state
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("read the checkpoint %s: %w: begin anew with --restart", f, err)
	}
	return &s, nil
}

// save writes a file beside it and renames that: a reader, and a crash, sees the
// old state or the new one. Keys may be personal data, so only the owner reads it.
func (f file) save(s *state) error {
	b, err := json.MarshalIndent(s, "", "\t")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(string(f)), 0o700)
	}
	if err == nil {
		err = os.WriteFile(string(f)+".new", append(b, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(string(f)+".new", string(f))
	}
	if err != nil {
		return fmt.Errorf("write the checkpoint %s: %w", f, err)
	}
	return nil
}

// nowhere is the keeper of a dry run.
type nowhere struct{}

func (nowhere) load() (*state, error) { return nil, nil }
func (nowhere) save(*state) error     { return nil }
