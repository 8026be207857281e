package lambdastart

import "log/slog"

// EnvLogLevel is the environment variable that holds the least level that a function
// logs, as slog.Level writes it. Not set: INFO.
const EnvLogLevel = "VINCI_LOG_LEVEL"

// LogLevel reads it. With the error of one that cannot be read comes INFO.
func LogLevel(getenv func(string) string) (slog.Level, error) {
	text := getenv(EnvLogLevel)
	if text == "" {
		return slog.LevelInfo, nil
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return slog.LevelInfo, err
	}
	return level, nil
}
