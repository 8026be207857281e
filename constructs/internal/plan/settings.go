package plan

import (
	"fmt"
	"log/slog"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
)

// Settings are what one deployment may have otherwise than another: package
// constructs says what each field means.
type Settings struct {
	Account, Region   string
	Ephemeral         bool
	Protected         bool
	LogLevel          slog.Level
	LogDays           int
	NoTracing         bool
	AlarmEmails       []string
	AlarmTopic        string
	ArchiveDays       int
	DeliveryDays      int
	PublisherAccounts []string
	Concurrency       map[string]int
	JWTIssuers        map[string]string
	JWTAudiences      map[string][]string
	Deployments       map[string]string
}

// Credentials are whose they are, as far as the CDK's command line knows: it passes
// what it found in CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION.
//
// https://docs.aws.amazon.com/cdk/v2/guide/configure-env.html
type Credentials struct{ Account, Region string }

// ReadCredentials reads them from the environment. Without credentials the command
// line passes a region all the same, its own default: that one says nothing.
func ReadCredentials(getenv func(string) string) Credentials {
	c := Credentials{Account: getenv("CDK_DEFAULT_ACCOUNT"), Region: getenv("CDK_DEFAULT_REGION")}
	if c.Account == "" {
		return Credentials{}
	}
	return c
}

// MaxConcurrency is that of a handler, or the deployment's in its place.
func (p *Plan) MaxConcurrency(h Handler) int {
	if n, ok := p.Settings.Concurrency[h.Subscription.Name]; ok {
		return n
	}
	return h.MaxConcurrency
}

// Local reports whether the deployment is the one that runs on a laptop: it is in no
// account.
func (p *Plan) Local() bool { return IsLocal(p.Name.ID) }

// IsLocal is [Plan.Local] for a deployment's id.
func IsLocal(id string) bool { return id == deploymentLocal }

// logDays are the numbers of days that CloudWatch Logs can keep a log.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logDays = [...]int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// maxDays keeps a number of days from being one of seconds.
const maxDays = 3653

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	// us-east-1, us-gov-west-1, cn-north-1, ap-southeast-7, mx-central-1, eusc-de-east-1.
	regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[1-9][0-9]?$`)
	// A topic's name has up to 256 letters, digits, hyphens and underscores.
	// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
	topicPattern = regexp.MustCompile(`^arn:aws[a-z-]*:sns:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,256})(\.fifo)?$`)
	// At least two labels: nobody gets mail at a bare host, or at an address of the network.
	domainPattern = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
)

const day = 24 * time.Hour

// setting adds a problem with a field of the settings.
func (c *checker) setting(field, got, allowed, mend string) {
	c.add(Problem{What: fmt.Sprintf("setting %s: %s", field, got), Where: c.settingsAt(), Allowed: allowed, Mend: mend})
}

func (c *checker) settingsAt() string {
	of := fmt.Sprintf("the settings of deployment %q", c.Name.ID)
	if c.SettingsAt == "" {
		return of + " (ApplicationProps.Settings)"
	}
	return of + ", " + c.SettingsAt
}

// checkSettings checks every field. Call it behind checkDeployment, which takes over
// what the context says.
func (c *checker) checkSettings() {
	s := c.Settings
	c.checkPlace()
	if s.Ephemeral && s.Protected {
		c.setting("Ephemeral", "the deployment is ephemeral and protected",
			"either: an ephemeral one is there to be deleted, with its data", "take Protected away, or Ephemeral and the context "+KeyEphemeral)
	}
	if !slices.Contains([]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}, s.LogLevel) {
		c.setting("LogLevel", fmt.Sprintf("it is %d (%s)", s.LogLevel, s.LogLevel),
			"slog.LevelDebug, slog.LevelInfo (the default), slog.LevelWarn and slog.LevelError", "use one of these, or leave it at zero")
	}
	if s.LogDays != 0 && !slices.Contains(logDays[:], s.LogDays) {
		c.setting("LogDays", fmt.Sprintf("it is %d", s.LogDays),
			"what CloudWatch can keep: "+numbers(logDays[:])+" days", "use one of these, or leave it at zero for 30")
	}
	c.checkRetention()
	c.checkAlarms()
	c.checkAccounts("PublisherAccounts", s.PublisherAccounts)
	c.checkConcurrency()
}

// checkPlace checks where the deployment belongs, and that the credentials are of
// there.
func (c *checker) checkPlace() {
	s := c.Settings
	known := c.Credentials
	if c.Local() {
		known = Credentials{} // it is nowhere, whatever credentials are there
	}
	switch {
	case s.Account == "":
	case !accountPattern.MatchString(s.Account):
		c.setting("Account", fmt.Sprintf("it is %q", s.Account), "12 digits, as `aws sts get-caller-identity` prints them", "correct it, or leave it empty for whatever account the credentials are of")
	case known.Account != "" && known.Account != s.Account:
		c.setting("Account", fmt.Sprintf("the deployment belongs to account %s, and the credentials are of account %s", s.Account, known.Account),
			"credentials of "+s.Account, "use a profile of that account (AWS_PROFILE, or the CDK's --profile), or correct the setting")
	}
	switch {
	case s.Region == "":
	case !regionPattern.MatchString(s.Region):
		c.setting("Region", fmt.Sprintf("it is %q", s.Region), "the name of a region, such as eu-central-1", "correct it, or leave it empty for whatever region the credentials say")
	case known.Region != "" && known.Region != s.Region:
		c.setting("Region", fmt.Sprintf("the deployment belongs to %s, and the credentials are for %s", s.Region, known.Region),
			"credentials for "+s.Region, "export AWS_REGION="+s.Region+", use a profile for that region, or correct the setting")
	}
}

// checkRetention: a record of a delivery must outlive every way in which the event
// can come again.
func (c *checker) checkRetention() {
	s := c.Settings
	archived := s.ArchiveDays
	if s.ArchiveDays < 0 || s.ArchiveDays > maxDays {
		archived = 0
		c.setting("ArchiveDays", fmt.Sprintf("it is %d", s.ArchiveDays),
			fmt.Sprintf("1 to %d days, or zero for no archive; one that keeps events for good would outlive every record of a delivery", maxDays), "correct it")
	}
	least := int(bus.MinRetention/day) + archived
	if s.DeliveryDays != 0 && (s.DeliveryDays < least || s.DeliveryDays > 2*maxDays) {
		c.setting("DeliveryDays", fmt.Sprintf("it is %d", s.DeliveryDays),
			fmt.Sprintf("at least %d days and what the archive keeps (%d), and at most %d: an event that comes again when its record is gone would be handled again", int(bus.MinRetention/day), archived, 2*maxDays),
			fmt.Sprintf("at least %d, or leave it at zero for %d", least, int(bus.DefaultRetention/day)+archived))
	}
}

func (c *checker) checkAlarms() {
	s := c.Settings
	seen := map[string]bool{}
	for _, address := range s.AlarmEmails {
		if !isEmail(address) {
			c.setting("AlarmEmails", fmt.Sprintf("%q is no mail address", address),
				"one address each, such as ops@example.com, without a name", "correct it, here or in the context "+KeyAlarmEmail)
		}
		if key := strings.ToLower(address); seen[key] {
			c.setting("AlarmEmails", fmt.Sprintf("%q is there twice", address), "each address once", "take one away")
		} else {
			seen[key] = true
		}
	}
	if s.AlarmTopic == "" {
		return
	}
	if len(s.AlarmEmails) > 0 {
		c.setting("AlarmTopic", "there are AlarmEmails as well",
			"either: the addresses are subscribed to the deployment's own topic, and with AlarmTopic there is none", "subscribe the addresses to the other topic, and take them away here")
	}
	arn := topicPattern.FindStringSubmatch(s.AlarmTopic)
	switch {
	case arn == nil:
		c.setting("AlarmTopic", fmt.Sprintf("%q is no ARN of an SNS topic", s.AlarmTopic),
			"arn:aws:sns:REGION:ACCOUNT:NAME", "correct it, here or in the context "+KeyAlarmTopic)
		return
	case arn[4] != "":
		c.setting("AlarmTopic", fmt.Sprintf("%q is a FIFO topic", s.AlarmTopic),
			"a standard topic: CloudWatch alarms cannot notify another", "use a standard topic")
	}
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
	if region := c.place().Region; region != "" && arn[1] != region {
		c.setting("AlarmTopic", fmt.Sprintf("the topic is in %s, and the deployment in %s", arn[1], region),
			"a topic of the deployment's own region: an alarm can notify no other", "use a topic of "+region)
	}
	if account := c.place().Account; account != "" && arn[2] != account {
		c.setting("AlarmTopic", fmt.Sprintf("the topic is in account %s, and the deployment in account %s", arn[2], account),
			"a topic of the deployment's own account, whose policy lets its alarms publish", "use a topic of "+account+", and let that one go on to the other account")
	}
}

// place is where the deployment will be, as far as that is known.
func (c *checker) place() Credentials {
	p := Credentials{c.Settings.Account, c.Settings.Region}
	if c.Local() {
		return p
	}
	if p.Account == "" {
		p.Account = c.Credentials.Account
	}
	if p.Region == "" {
		p.Region = c.Credentials.Region
	}
	return p
}

func (c *checker) checkAccounts(field string, accounts []string) {
	seen := map[string]bool{}
	for _, a := range accounts {
		if !accountPattern.MatchString(a) {
			c.setting(field, fmt.Sprintf("%q is no account", a), "12 digits each", "correct it")
		} else if seen[a] {
			c.setting(field, fmt.Sprintf("%s is there twice", a), "each account once", "take one away")
		}
		seen[a] = true
	}
}

func (c *checker) checkConcurrency() {
	var known, names []string
	for _, h := range c.Handlers {
		if h.Subscription != nil {
			known = append(known, h.Subscription.Name)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for name := range c.Settings.Concurrency {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			there := "none"
			if len(known) > 0 {
				there = join(known)
			}
			c.setting("Concurrency", fmt.Sprintf("no subscription is called %q", name), "subscriptions that were added: "+there, "correct the name, or take it away")
		}
		if n := c.Settings.Concurrency[name]; n < minConcurrency || n > maxConcurrency {
			c.setting("Concurrency", fmt.Sprintf("that of %q is %d", name, n),
				fmt.Sprintf("%d to %d, which is what Lambda can keep to", minConcurrency, maxConcurrency), "correct it, or take it away for what AddEventHandler says")
		}
	}
}

// isEmail reports whether a text is one mail address to which SNS can send.
func isEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 254 {
		return false
	}
	return domainPattern.MatchString(text[strings.LastIndexByte(text, '@')+1:])
}

func numbers(all []int) string {
	var words []string
	for _, n := range all {
		words = append(words, strconv.Itoa(n))
	}
	return join(words)
}
