package tables

import "github.com/vinci-go/vinci/orm"

// The kinds of [Endpoint].
const (
	EndpointMail        = "mail"        // sends the tenant's mails
	EndpointDistributor = "distributor" // is told of each order
)

// Endpoint is an HTTP service of a tenant's own that we call.
type Endpoint struct {
	TenantID string `dynamo:"tenant_id,hash" validate:"required"`
	Kind     string `dynamo:"kind,range" validate:"required" enum:"mail,distributor"`
	URL      string `dynamo:"url" validate:"required,http_url"`
	// Secret signs what we send. It is in no output and no log.
	Secret string `dynamo:"secret" validate:"required,min=16" output:"hidden"`
}

// Endpoints holds one item for each tenant and kind. A tenant without one is
// served by nobody: mails go to the log, and no distributor is told.
var Endpoints = orm.Define[Endpoint, orm.Pair[string, string]]("endpoints",
	orm.Description("HTTP services of tenants that are called for them."))
