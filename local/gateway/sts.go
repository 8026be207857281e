package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// query serves the calls of the older query protocol that are of use here, which
// are two of STS.
func (g *gateway) query(w http.ResponseWriter, r *Request) {
	if err := g.readBody(w, r); err != nil {
		writeXMLError(w, r, err)
		return
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		writeXMLError(w, r, Malformed(err))
		return
	}
	r.Operation = form.Get("Action")
	if r.Operation != "GetCallerIdentity" && r.Operation != "AssumeRole" {
		what := fmt.Sprintf("query protocol action %q", r.Operation)
		g.logUnknown(r, what)
		writeXMLError(w, r, &Error{Code: "InvalidAction", Message: what + " is not served by the local runtime"})
		return
	}
	caller, policies, err := g.authenticate(r, "sts")
	if err != nil {
		writeXMLError(w, r, err)
		return
	}
	if r.Operation == "AssumeRole" {
		g.assumeRole(w, r, form, caller, policies)
		return
	}
	g.callerIdentity(w, r, caller)
}

// callerIdentity tells a developer whose credentials are in use. It needs no
// permission, on AWS too.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (g *gateway) callerIdentity(w http.ResponseWriter, r *Request, caller Caller) {
	writeXML(w, r, http.StatusOK, struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		ARN     string   `xml:"GetCallerIdentityResult>Arn"`
		UserID  string   `xml:"GetCallerIdentityResult>UserId"`
		Account string   `xml:"GetCallerIdentityResult>Account"`
		ID      string   `xml:"ResponseMetadata>RequestId"`
	}{ARN: caller.ARN(), UserID: caller.UserID(), Account: caller.Account, ID: r.ID})
}

// How long a role's temporary keys may live, and do when nobody says.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	minSession     = 15 * time.Minute
	maxSession     = 12 * time.Hour
	defaultSession = time.Hour
)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// assumeRole issues temporary keys of a role, when its trust policy lets the
// caller. Session policies, tags and MFA are refused: keys that ignored them would
// allow more than on AWS.
func (g *gateway) assumeRole(w http.ResponseWriter, r *Request, form url.Values, caller Caller, policies iam.Policies) {
	role, name := form.Get("RoleArn"), form.Get("RoleSessionName")
	fail := func(code, format string, args ...any) {
		writeXMLError(w, r, &Error{Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if !sessionName.MatchString(name) {
		fail("ValidationError", `1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`, name)
		return
	}
	for key := range form {
		switch key {
		case "Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds":
		default:
			fail("ValidationError", "parameter %s of AssumeRole is not served by the local runtime", key)
			return
		}
	}
	life := defaultSession
	if text := form.Get("DurationSeconds"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if life = time.Duration(n) * time.Second; err != nil || life < minSession || life > maxSession {
			fail("ValidationError", "1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", text, minSession/time.Second, maxSession/time.Second)
			return
		}
	}
	trust, known := g.Credentials.trust(role)
	d := trust.decide(caller, policies, role)
	if !known || !d.Allowed() {
		g.Logger.Warn("call denied by IAM", "caller", caller.ARN(), "action", d.Need.Action, "resource", role, "why", d.Explain(), "request_id", r.ID)
		why := "its trust policy does not let the caller"
		if !known {
			why = "no role of the assembly has this ARN"
		}
		writeXMLError(w, r, &Error{Code: "AccessDeniedException", QueryCode: "AccessDenied",
			Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s (local runtime: %s)", caller.ARN(), d.Need.Action, role, why)})
		return
	}
	longest := trust.MaxSession
	if longest == 0 || caller.RoleARN != "" { // one role that takes another has an hour at most
		longest = defaultSession
	}
	if life > longest {
		fail("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		return
	}
	now := g.Now()
	keys := g.Credentials.assume(role, name, now, now.Add(life))
	as := Caller{RoleARN: role, Session: name, Account: caller.Account}
	writeXML(w, r, http.StatusOK, struct {
		XMLName    xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
		KeyID      string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret     string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token      string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
		Expiration string   `xml:"AssumeRoleResult>Credentials>Expiration"`
		UserID     string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
		ARN        string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
		ID         string   `xml:"ResponseMetadata>RequestId"`
	}{KeyID: keys.AccessKeyID, Secret: keys.SecretAccessKey, Token: keys.SessionToken, Expiration: now.Add(life).UTC().Format(time.RFC3339),
		UserID: keys.AccessKeyID + ":" + name, ARN: as.ARN(), ID: r.ID})
}

// Trust says who may take a role with STS, and for how long.
type Trust struct {
	Policy     iam.Document
	MaxSession time.Duration // 0 means an hour
}

// decide asks the trust policy. One that names the role that calls is enough; one
// that names the account leaves it to the caller's own policies.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-req-context.html
func (t Trust) decide(c Caller, policies iam.Policies, role string) iam.Decision {
	n := iam.Need{Action: "sts:AssumeRole", Resource: role}
	account := t.Policy.DecideFor(iam.Principal{RoleARN: c.RoleARN, SessionARN: c.ARN(), Account: c.Account}, n)
	if c.Owner || !account.Allowed() {
		return account
	}
	own := policies.Decide(n)
	if own.Outcome == iam.ExplicitDeny || own.Allowed() {
		return own
	}
	return t.Policy.DecideFor(iam.Principal{RoleARN: c.RoleARN, SessionARN: c.ARN()}, n)
}

// SetTrusts replaces the trust policies of all roles at once, by role ARN. Without
// one a role cannot be taken with STS.
func (c *Credentials) SetTrusts(trusts map[string]Trust) {
	next := make(map[string]Trust, len(trusts))
	for arn, t := range trusts {
		next[arn] = t
	}
	c.mu.Lock()
	c.trusts = next
	c.mu.Unlock()
}

func (c *Credentials) trust(roleARN string) (Trust, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, ok := c.trusts[roleARN]
	return t, ok
}

// assume issues keys that end. Those that ended a day ago are forgotten.
func (c *Credentials) assume(roleARN, name string, now, until time.Time) Keys {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, i := range c.byID {
		if !i.expires.IsZero() && i.expires.Before(now.Add(-24*time.Hour)) {
			delete(c.byID, id)
		}
	}
	k := c.newKeys("ASIA", true)
	c.byID[k.AccessKeyID] = issue{session: session{roleARN, name}, keys: k, expires: until}
	return k
}
