package lambda

import (
	"path/filepath"
	"slices"
	"strconv"
)

// variables is the whole environment of a process: Lambda's documented
// variables (configuration-envvars, runtime provided.al2023), the function's
// own, and the gateway's address. Nothing is taken from this process's
// environment. A function may override PATH, LANG and TZ, as on AWS.
func (s *Service) variables(c *FunctionConfig, runtimeAPI, logStream string) []string {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		dir = c.Dir // no working folder: the path as configured is the best there is
	}
	all := map[string]string{
		"PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LANG": "en_US.UTF-8",
		"TZ":   ":UTC",
	}
	for name, value := range c.Env {
		all[name] = value
	}
	set := func(name, value string) { all[name] = value }
	set("AWS_REGION", s.opts.Region)
	set("AWS_DEFAULT_REGION", s.opts.Region)
	set("AWS_LAMBDA_FUNCTION_NAME", c.Name)
	set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(c.MemoryMB))
	set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
	set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
	set("AWS_LAMBDA_LOG_GROUP_NAME", c.LogGroup)
	set("AWS_LAMBDA_LOG_STREAM_NAME", logStream)
	set("AWS_LAMBDA_RUNTIME_API", runtimeAPI)
	set("LAMBDA_TASK_ROOT", dir)
	set("LAMBDA_RUNTIME_DIR", "/var/runtime")
	set("_HANDLER", c.Handler)
	if s.opts.Endpoint != "" {
		set("AWS_ENDPOINT_URL", s.opts.Endpoint)
	}
	if s.opts.Credentials != nil {
		id, secret, token := s.opts.Credentials(c.RoleARN)
		set("AWS_ACCESS_KEY_ID", id)
		set("AWS_SECRET_ACCESS_KEY", secret)
		set("AWS_SESSION_TOKEN", token)
	}
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
