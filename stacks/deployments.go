package stacks

import (
	"regexp"

	"github.com/vinci-go/vinci/constructs"
)

// Settings are those of a deployment, by its id. app.go passes the function to the
// framework; whatever it does not name is a lasting deployment without protection,
// as a developer's own is.
//
// Who gets the alarms is said where a deployment is deployed, and not here:
// -c vinci:alarm-email=ops@example.com. An Account and a Region belong here as soon
// as it is known which: credentials of another are refused then.
func Settings(deployment string) constructs.Settings {
	switch {
	case deployment == "prod":
		return constructs.Settings{Protected: true, LogDays: 365}
	case deployment == "staging":
		return constructs.Settings{LogDays: 90}
	case pullRequest.MatchString(deployment):
		return constructs.Settings{Ephemeral: true, LogDays: 7}
	}
	return constructs.Settings{}
}

// pullRequest is the deployment of a pull request: pr and its number.
var pullRequest = regexp.MustCompile(`^pr[0-9]+$`)
