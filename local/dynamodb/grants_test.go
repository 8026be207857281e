package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/orm"
)

// The tables of package constructs' test application.
type (
	grantedUser struct {
		ID        string    `dynamo:"user_id,hash"`
		Email     string    `dynamo:"email" unique:"normalized"`
		Status    string    `dynamo:"status" index:"by_status,hash"`
		CreatedAt time.Time `dynamo:"created_at,unixtime" index:"by_status,range"`
	}
	grantedStat struct {
		Key   string `dynamo:"stat_key,hash"`
		Total int64  `dynamo:"total" default:"0"`
	}
	grantedSession struct {
		User   string `dynamo:"user_id,hash"`
		Number int64  `dynamo:"number,range"`
	}
)

var (
	grantedUsers    = orm.Define[grantedUser, string]("users")
	grantedStats    = orm.Define[grantedStat, string]("user_stats")
	grantedSessions = orm.Define[grantedSession, orm.Pair[string, int64]]("sessions")
	grantedStatus   = orm.IndexOf(grantedUsers, func(u *grantedUser) *string { return &u.Status }, func(u *grantedUser) *time.Time { return &u.CreatedAt })
	grantedTotal    = orm.Number(grantedStats, func(s *grantedStat) *int64 { return &s.Total })
	grantedEmail    = orm.Attr(grantedUsers, func(u *grantedUser) *string { return &u.Email })
)

// grantedCalls are the client's calls: every way in which package orm asks
// something of DynamoDB, on a table that is read, one that is written, and one
// that is appended to.
var grantedCalls = []struct {
	name string
	do   func(context.Context, orm.Store) error
}{
	{"users get", func(ctx context.Context, s orm.Store) error {
		_, err := grantedUsers.Exists(ctx, s, "u")
		return err
	}},
	{"users batch get", func(ctx context.Context, s orm.Store) error {
		_, err := grantedUsers.GetBatch(ctx, s, []string{"u", "v"})
		return err
	}},
	{"users transact get", func(ctx context.Context, s orm.Store) error {
		var u grantedUser
		return absentIsFine(orm.TransactGet(ctx, s, grantedUsers.Into(&u, "u")))
	}},
	{"users query index", func(ctx context.Context, s orm.Store) error {
		_, err := grantedStatus.Query("active").Page(ctx, s)
		return err
	}},
	{"users scan", func(ctx context.Context, s orm.Store) error {
		_, err := grantedUsers.Scan().Page(ctx, s)
		return err
	}},
	{"users scan index", func(ctx context.Context, s orm.Store) error {
		_, err := grantedStatus.Scan().Page(ctx, s)
		return err
	}},
	{"users insert", func(ctx context.Context, s orm.Store) error {
		return orm.Exec(ctx, s, grantedUsers.Insert(grantedUser{ID: "u", Email: "a@b.c", Status: "active"}))
	}},
	{"users change what is unique", func(ctx context.Context, s orm.Store) error {
		return orm.Exec(ctx, s, grantedUsers.Update("u", grantedEmail.Set("d@e.f")))
	}},
	{"users batch write", func(ctx context.Context, s orm.Store) error {
		// Past the typed client, which refuses it.
		_, err := s.BatchWrite(ctx, &orm.BatchWriteRequest{Table: grantedUsers.Schema(), Deletes: []orm.Item{{"user_id": text("v")}}})
		return err
	}},
	{"stats update", func(ctx context.Context, s orm.Store) error {
		return orm.Exec(ctx, s, grantedStats.Update("all", grantedTotal.Add(1)))
	}},
	{"stats check", func(ctx context.Context, s orm.Store) error {
		return orm.Exec(ctx, s, grantedStats.Check("all", grantedTotal.Ge(0)), grantedStats.Put(grantedStat{Key: "other"}))
	}},
	{"stats batch put", func(ctx context.Context, s orm.Store) error {
		return grantedStats.PutBatch(ctx, s, []grantedStat{{Key: "a"}, {Key: "b"}})
	}},
	{"stats batch delete", func(ctx context.Context, s orm.Store) error {
		return grantedStats.DeleteBatch(ctx, s, []string{"a", "b"})
	}},
	{"stats delete", func(ctx context.Context, s orm.Store) error { return orm.Exec(ctx, s, grantedStats.Delete("all")) }},
	{"stats scan", func(ctx context.Context, s orm.Store) error {
		_, err := grantedStats.Scan().Page(ctx, s)
		return err
	}},
	{"sessions insert", func(ctx context.Context, s orm.Store) error {
		return orm.Exec(ctx, s, grantedSessions.Insert(grantedSession{User: time.Now().String(), Number: 1}))
	}},
	{"sessions insert two", func(ctx context.Context, s orm.Store) error {
		now := time.Now().String()
		return orm.Exec(ctx, s, grantedSessions.Insert(grantedSession{User: now, Number: 2}), grantedSessions.Insert(grantedSession{User: now, Number: 3}))
	}},
	{"sessions batch put", func(ctx context.Context, s orm.Store) error {
		return grantedSessions.PutBatch(ctx, s, []grantedSession{{User: "u", Number: 1}})
	}},
	{"sessions query", func(ctx context.Context, s orm.Store) error {
		_, err := orm.QueryTable(grantedSessions, "u").Page(ctx, s)
		return err
	}},
	{"sessions delete", func(ctx context.Context, s orm.Store) error {
		return orm.Exec(ctx, s, grantedSessions.Delete(orm.Key("u", int64(1))))
	}},
}

func absentIsFine(err error) error {
	if errors.Is(err, orm.KindNotFound) {
		return nil
	}
	return err
}

// TestGrants runs the client under the roles that package constructs makes of the
// grants of its test application: what is granted is enough, and nothing else is
// allowed.
func TestGrants(t *testing.T) {
	s := start(t, dynamodb.Options{})
	key := func(parts ...string) []dynamodb.KeyElement {
		elements := []dynamodb.KeyElement{{AttributeName: parts[0], KeyType: dynamodb.Partition}}
		for _, sort := range parts[1:] {
			elements = append(elements, dynamodb.KeyElement{AttributeName: sort, KeyType: dynamodb.Sort})
		}
		return elements
	}
	apply(t, s,
		dynamodb.TableConfig{Name: "shop-dev-users", Attributes: map[string]string{"user_id": "S", "status": "S", "created_at": "N"}, Key: key("user_id"),
			GlobalIndexes: []dynamodb.Index{{Name: "by_status", Projection: "ALL", Key: key("status", "created_at")}}},
		dynamodb.TableConfig{Name: "shop-dev-user_stats", Attributes: map[string]string{"stat_key": "S"}, Key: key("stat_key")},
		dynamodb.TableConfig{Name: "shop-dev-sessions", Attributes: map[string]string{"user_id": "S", "number": "N"}, Key: key("user_id", "number")},
	)
	f := newFront(t, s, nil)
	roles := map[string]iam.Policies{}
	for _, c := range []struct{ role, template, allowed string }{
		// bus.ReadsIndex(usersByStatus)
		{"sendwelcome", "mail", "users query index"},
		// bus.Writes(stats), bus.Scans(users), bus.Appends(sessions)
		{"countactive", "counters", "users get, users batch get, users transact get, users query index, users scan, users scan index, " +
			"stats update, stats check, stats batch put, stats batch delete, stats delete, sessions insert, sessions insert two"},
		// bus.Writes(users), bus.Reads(stats)
		{"api", "api", "users get, users batch get, users transact get, users query index, users insert, users change what is unique"},
	} {
		t.Run(c.role, func(t *testing.T) {
			arn := "arn:aws:iam::000000000000:role/" + c.role
			roles[arn] = goldenRole(t, "../../constructs/testdata/golden/dev/shop-dev-"+c.template+".template.json", c.role)
			f.credentials.SetRoles(roles)
			store := orm.NewDynamoDB(f.client(f.credentials.Issue(arn, c.role)), func(table string) string { return "shop-dev-" + table })
			// An item whose unique value can be changed, whoever may insert it.
			owner := orm.NewDynamoDB(f.owner(), func(table string) string { return "shop-dev-" + table })
			if _, err := owner.Do(t.Context(), orm.Action{Op: orm.OpDelete, Table: grantedUsers.Schema(), Key: orm.Item{"user_id": text("u")}}); err != nil {
				t.Fatal(err)
			}
			for _, call := range grantedCalls {
				err := call.do(t.Context(), store)
				allowed := strings.Contains(", "+c.allowed+",", ", "+call.name+",")
				switch {
				case allowed && err != nil:
					t.Errorf("%s: %v", call.name, err)
				case !allowed && !errors.Is(err, orm.KindDenied):
					t.Errorf("%s: %v, want %v", call.name, err, orm.KindDenied)
				}
			}
		})
	}
}

// goldenRole reads a role's policy from a golden template.
func goldenRole(t *testing.T, file, id string) iam.Policies {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				Policies []struct{ PolicyDocument map[string]any }
			}
		}
	}
	if err := json.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	var policies iam.Policies
	for name, r := range template.Resources {
		if r.Type != "AWS::IAM::Role" || !strings.HasPrefix(strings.ToLower(name), id) {
			continue
		}
		for _, p := range r.Properties.Policies {
			text, err := json.Marshal(resolved(p.PolicyDocument))
			if err != nil {
				t.Fatal(err)
			}
			document, err := iam.Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			policies = append(policies, document)
		}
	}
	if len(policies) != 1 {
		t.Fatalf("%s has %d policies of %s, want 1", file, len(policies), id)
	}
	return policies
}

// resolved is a template's value as CloudFormation would have it. What stands for
// another resource is no table's, and nothing here.
func resolved(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, resolved(e))
		}
		return list
	case map[string]any:
		if text, ok := v["Fn::Sub"].(string); ok {
			return strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", "us-east-1", "${AWS::AccountId}", "000000000000").Replace(text)
		}
		if _, ok := v["Fn::GetAtt"]; ok {
			return "arn:aws:none:us-east-1:000000000000:nothing"
		}
		object := map[string]any{}
		for key, e := range v {
			object[key] = resolved(e)
		}
		return object
	default:
		return v
	}
}
