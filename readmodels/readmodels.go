package readmodels

import (
	"github.com/vinci-go/vinci/readmodel/rebuild"
	"github.com/vinci-go/vinci/tables"
)

// Dashboard is what orders.ProjectDashboard writes.
func Dashboard() []rebuild.Table {
	return []rebuild.Table{rebuild.Items(tables.Dashboards, func(d tables.Dashboard) string { return tables.ModelGeneration(d.Model) })}
}

// OrderSummary is what orders.ProjectSummary writes.
func OrderSummary() []rebuild.Table {
	return []rebuild.Table{rebuild.Items(tables.OrderSummaries, func(s tables.OrderSummary) string { return tables.ModelGeneration(s.Model) })}
}
