package bus

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The environment variables that say how long things are kept, in whole days. They are
// not set where the default is meant. The constructs set them.
const (
	// EnvDeliveryDays is how long delivery records are kept.
	EnvDeliveryDays = "VINCI_DELIVERY_DAYS"
	// EnvArchiveDays is how long the archive of the bus keeps events.
	EnvArchiveDays = "VINCI_ARCHIVE_DAYS"
)

// maxDays keeps the sum of two such numbers a time.Duration.
const maxDays = 36500

// RetentionFromEnv reads [EnvDeliveryDays] and [EnvArchiveDays], for
// [ConsumerOptions]; 0 is what is not set. That they go together says [NewConsumer].
func RetentionFromEnv(getenv func(string) string) (retention, archive time.Duration, err error) {
	days := func(name string) (time.Duration, error) {
		text := getenv(name)
		if text == "" {
			return 0, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxDays {
			return 0, fmt.Errorf("environment variable %s is %q: it is a whole number of days, 1 to %d", name, text, maxDays)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	retention, wrong := days(EnvDeliveryDays)
	archive, alsoWrong := days(EnvArchiveDays)
	return retention, archive, errors.Join(wrong, alsoWrong)
}
