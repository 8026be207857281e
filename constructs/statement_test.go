package constructs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// Tables whose writes have conditions.
var (
	guarded = orm.Define[struct {
		ID   string `dynamo:"id,hash"`
		Mail string `dynamo:"mail" unique:"exact"`
	}, string]("guarded")
	versioned = orm.Define[struct {
		ID string `dynamo:"id,hash"`
		N  int    `dynamo:"n" version:"true"`
	}, string]("versioned")
)

// TestAccessStatements: grants that overlap come to one permission each, in an
// order of their own.
func TestAccessStatements(t *testing.T) {
	d := &Deployment{names: names.Deployment{App: "shop", ID: "dev"}}
	stub := orm.IndexOf(allSettings[0].(*orm.Table[indexed, orm.Pair[string, int64]]), func(x *indexed) *string { return &x.B }, (func(*indexed) *string)(nil))
	stack := awscdk.NewStack(nil, nil, nil)
	const tablesHere = "dynamodb:${AWS::Region}:${AWS::AccountId}:table/shop-dev-"
	for name, test := range map[string]struct {
		access bus.Access
		want   []string // sid: resources, without what all have in front, and keys
	}{
		"nothing":         {bus.Access{}, nil},
		"reads and scans": {bus.Access{Reads: []orm.Definition{users, stats}, Scans: []orm.Definition{users}}, []string{"ReadTables: user_stats users", "ScanTables: users users/index/by_status", "QueryIndexes: users/index/by_status"}},
		"writes what is scanned": {bus.Access{Writes: []orm.Definition{users}, Scans: []orm.Definition{users}, Reads: []orm.Definition{users}},
			[]string{"WriteTables: users", "ScanTables: users users/index/by_status", "QueryIndexes: users/index/by_status"}},
		"appends what is written":                 {bus.Access{Writes: []orm.Definition{stats}, Appends: []orm.Definition{stats, sessions}}, []string{"WriteTables: user_stats", "WriteBatches: user_stats", "AppendTables: sessions"}},
		"no batches where writes have conditions": {bus.Access{Writes: []orm.Definition{stats, guarded, versioned}}, []string{"WriteTables: guarded user_stats versioned", "WriteBatches: user_stats"}},
		"an index alone":                          {bus.Access{Indexes: []orm.IndexDefinition{stub, usersByStatus, usersByStatus}}, []string{"QueryIndexes: capped/index/by_b users/index/by_status"}},
		"an index of what is read":                {bus.Access{Indexes: []orm.IndexDefinition{usersByStatus}, Reads: []orm.Definition{users}}, []string{"ReadTables: users", "QueryIndexes: users/index/by_status"}},
		"no index of what is scanned":             {bus.Access{Scans: []orm.Definition{stats}}, []string{"ReadTables: user_stats", "ScanTables: user_stats"}},
		"commits":                                 {bus.Access{Commits: []event.Type{userCreated}}, []string{"CommitEvents: events", "ReadLog: events", "CommitState: state", "ReadState: state", "SaveSnapshots: state [snapshot/*]"}},
		"settings":                                {bus.Access{Settings: []settings.Definition{welcomeText, maxUsers, maxUsers}}, []string{"ReadSettings: state [setting/max_users setting/welcome_text]"}},
		"settings of who commits":                 {bus.Access{Settings: []settings.Definition{maxUsers}, Commits: []event.Type{userCreated}}, []string{"CommitEvents: events", "ReadLog: events", "CommitState: state", "ReadState: state", "SaveSnapshots: state [snapshot/*]"}},
		"publishes":                               {bus.Access{Publishes: []event.Type{userCreated, userActivated}}, []string{"PublishDirectly: events:${AWS::Region}:${AWS::AccountId}:event-bus/shop-dev-bus"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range d.accessStatements(test.access, eventlog.Events) {
				var resources []string
				for _, r := range s.Resources {
					resources = append(resources, strings.TrimPrefix(arn(stack.Resolve(r)), tablesHere))
				}
				line := s.Sid + ": " + strings.Join(resources, " ")
				if len(s.LeadingKeys) > 0 {
					line += fmt.Sprint(" ", s.LeadingKeys)
				}
				got = append(got, line)
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("statements are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}
