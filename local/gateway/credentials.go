package gateway

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"io"
	"sync"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// Keys is what an SDK signs with.
type Keys struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "" for the owner
}

// Credentials issues key pairs and knows whose they are. It is safe for
// concurrent use.
type Credentials struct {
	account string
	random  io.Reader
	owner   Keys
	signing signingKeys

	mu     sync.RWMutex
	issued map[session]Keys
	byID   map[string]issue
	roles  map[string]iam.Policies
	trusts map[string]Trust
}

type session struct{ roleARN, name string }

// issue is a key pair that was given out.
type issue struct {
	session
	keys    Keys
	expires time.Time // zero: never
}

// known is who an access key id belongs to.
type known struct {
	caller   Caller
	keys     Keys
	expires  time.Time
	policies iam.Policies
}

// CredentialsOptions are the settings of [NewCredentials]. The zero value is
// usable.
type CredentialsOptions struct {
	Account string // "" means 000000000000
	// Owner are the developer's keys; the zero value means that new ones are made.
	Owner Keys
	// Random is where keys come from; nil means crypto/rand.
	Random io.Reader
}

// NewCredentials returns credentials that know the owner and no role.
func NewCredentials(o CredentialsOptions) *Credentials {
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	c := &Credentials{account: o.Account, random: o.Random, owner: o.Owner,
		issued: map[session]Keys{}, byID: map[string]issue{}, roles: map[string]iam.Policies{}}
	if c.owner.AccessKeyID == "" {
		c.owner = c.newKeys("AKIA", false)
	}
	return c
}

// Owner is the developer's key pair, which may do everything.
func (c *Credentials) Owner() Keys { return c.owner }

// Issue returns the keys of a role's session; sessionName is what messages call the
// caller (a function's name; "" means "vinci"). The same role and name get the
// same keys for as long as the process lives. The role need not be known yet: its
// calls are denied until [Credentials.SetRoles] names it.
func (c *Credentials) Issue(roleARN, sessionName string) Keys {
	if sessionName == "" {
		sessionName = "vinci"
	}
	s := session{roleARN, sessionName}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.issued[s]; ok {
		return k
	}
	k := c.newKeys("ASIA", true)
	c.issued[s], c.byID[k.AccessKeyID] = k, issue{session: s, keys: k}
	return k
}

// SetRoles replaces the policies of all roles at once, by role ARN. It may be
// called while calls are served: a call is judged wholly by the old ones or
// wholly by the new. The map is not read after it returns.
func (c *Credentials) SetRoles(roles map[string]iam.Policies) {
	next := make(map[string]iam.Policies, len(roles))
	for arn, p := range roles {
		next[arn] = p
	}
	c.mu.Lock()
	c.roles = next
	c.mu.Unlock()
}

// Policies are those of a role, false for one that [Credentials.SetRoles] did not
// name.
func (c *Credentials) Policies(roleARN string) (iam.Policies, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, ok := c.roles[roleARN]
	return p, ok
}

// lookup finds who an access key id belongs to.
func (c *Credentials) lookup(accessKeyID string) (known, bool) {
	if accessKeyID == c.owner.AccessKeyID {
		return known{caller: Caller{AccessKeyID: accessKeyID, Owner: true, Account: c.account}, keys: c.owner}, true
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	i, ok := c.byID[accessKeyID]
	if !ok {
		return known{}, false
	}
	caller := Caller{AccessKeyID: accessKeyID, RoleARN: i.roleARN, Session: i.name, Account: c.account}
	return known{caller: caller, keys: i.keys, expires: i.expires, policies: c.roles[i.roleARN]}, true
}

// newKeys makes keys in AWS's own form, because some clients check it: four
// letters for the kind, then 16 of base32.
func (c *Credentials) newKeys(kind string, token bool) Keys {
	k := Keys{
		AccessKeyID:     kind + base32.StdEncoding.EncodeToString(c.bytes(10)),
		SecretAccessKey: base64.StdEncoding.EncodeToString(c.bytes(30)),
	}
	if token {
		k.SessionToken = base64.StdEncoding.EncodeToString(c.bytes(30))
	}
	return k
}

func (c *Credentials) bytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.random, b); err != nil {
		panic("gateway: the source of randomness given in CredentialsOptions.Random failed: " + err.Error())
	}
	return b
}
