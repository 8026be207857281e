package migrate

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type member struct {
	ID      string `dynamo:"id,hash"`
	Email   string `dynamo:"email" unique:"exact"`
	Visits  int    `dynamo:"visits"`
	Version int64  `dynamo:"version" version:"true"`
}

var (
	members     = orm.Define[member, string]("members")
	memberEmail = orm.Attr(members, func(m *member) *string { return &m.Email })
	visits      = orm.Number(members, func(m *member) *int { return &m.Visits })
)

// A migration changes unique values, expects versions, and is outrun by a writer
// in between: nothing of the other's is lost, and every old value is free again.
func TestUniqueValuesAndVersions(t *testing.T) {
	ctx, store := t.Context(), ormtest.New()
	for _, id := range []string{"a", "b", "c"} {
		must(t, orm.Exec(ctx, store, members.Insert(member{ID: id, Email: strings.ToUpper(id) + "@X"})))
	}
	outrun := 0
	s, err := Run(ctx, "lower_email", members, func(ctx context.Context, m member) ([]orm.Write, error) {
		lower := strings.ToLower(m.Email)
		if lower == m.Email {
			return nil, nil
		}
		if m.ID == "b" && outrun < 2 {
			outrun++
			must(t, orm.Exec(ctx, store, members.Update(m.ID, visits.Add(1))))
		}
		return []orm.Write{members.Update(m.ID, memberEmail.Set(lower)).AtVersion(m.Version)}, nil
	}, Options{Store: store, Deployment: "test", Checkpoint: filepath.Join(t.TempDir(), "x.json"), Rate: -1})
	if err != nil || !s.Finished || s.Changed != 3 || outrun != 2 {
		t.Fatalf("%+v, %v, outrun %d times", s, err, outrun)
	}
	b, err := members.Get(ctx, store, "b")
	if err != nil || b.Email != "b@x" || b.Visits != 2 || b.Version != 4 {
		t.Errorf("%+v, %v", b, err)
	}
	must(t, orm.Exec(ctx, store, members.Insert(member{ID: "d", Email: "B@X"})))
}
