package constructs_test

import "github.com/vinci-go/vinci/constructs"

// An exception is from one rule, at one resource, for one reason.
func ExampleApplication_Allow() {
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: "shop"})
	app.Allow(constructs.Exception{
		Rule:     "vinci/queue-tls",
		Resource: "reports/Jobs/Queue",
		Reason:   "the partner's old client speaks no TLS; contract ends in March",
	})
}
