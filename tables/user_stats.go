package tables

import (
	"time"

	"github.com/vinci-go/vinci/orm"
)

// GlobalStats is the key of the one item of [UserStats].
const GlobalStats = "global"

// UserStat is a set of counters that the event handlers keep.
type UserStat struct {
	StatKey     string    `dynamo:"stat_key,hash"`
	TotalUsers  int64     `dynamo:"total_users" default:"0"`
	ActiveUsers int64     `dynamo:"active_users" default:"0"`
	UpdatedAt   time.Time `dynamo:"updated_at"`
}

// UserStats holds the counters over all users.
var UserStats = orm.Define[UserStat, string]("user_stats", orm.Description("Counters over all users, kept by event handlers."))

// The attributes that the handlers change.
var (
	TotalUsers     = orm.Number(UserStats, func(s *UserStat) *int64 { return &s.TotalUsers })
	ActiveUsers    = orm.Number(UserStats, func(s *UserStat) *int64 { return &s.ActiveUsers })
	StatsUpdatedAt = orm.Attr(UserStats, func(s *UserStat) *time.Time { return &s.UpdatedAt })
)
