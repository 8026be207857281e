package lambda

import (
	"errors"
	"net/http"
	"strings"
)

// errDryRun ends a change that was only to be tried.
var errDryRun = errors.New("dry run")

func joinComma(list []string) string { return strings.Join(list, ", ") }

// leastUnreserved is what cannot be reserved of the account's concurrency.
const leastUnreserved = 100

type concurrencyIO struct {
	ReservedConcurrentExecutions *int `json:"ReservedConcurrentExecutions,omitempty"`
}

func describeConcurrency(d *definition) *concurrencyIO {
	if d.Config.Reserved == nil {
		return nil
	}
	return &concurrencyIO{d.Config.Reserved}
}

// putConcurrency: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
func (s *Service) putConcurrency(c *restCall) (int, any, error) {
	var in concurrencyIO
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	n := in.ReservedConcurrentExecutions
	if n == nil {
		return 0, nil, invalidShape("reservedConcurrentExecutions", "null", "Member must not be null")
	}
	if *n < 0 {
		return 0, nil, outOfRange("reservedConcurrentExecutions", *n, 0, s.opts.AccountConcurrency)
	}
	if _, err := s.unqualified(c); err != nil {
		return 0, nil, err
	}
	d, err := s.changeFunction(c.value, func(d *definition) error {
		if s.unreserved(d.Config.Name)-*n < leastUnreserved {
			return badParameter("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", leastUnreserved)
		}
		d.Config.Reserved = n
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, describeConcurrency(d), nil
}

// unreserved is what the functions but one leave of the account's concurrency.
func (s *Service) unreserved(but string) int {
	n := s.opts.AccountConcurrency
	for _, d := range s.sortedDefinitions() {
		if d.Config.Reserved != nil && d.Config.Name != but {
			n -= *d.Config.Reserved
		}
	}
	return n
}

func (s *Service) getConcurrency(c *restCall) (int, any, error) {
	d, err := s.unqualified(c)
	if err != nil {
		return 0, nil, err
	}
	if out := describeConcurrency(d); out != nil {
		return http.StatusOK, out, nil
	}
	return http.StatusOK, concurrencyIO{}, nil
}

func (s *Service) deleteConcurrency(c *restCall) (int, any, error) {
	if _, err := s.unqualified(c); err != nil {
		return 0, nil, err
	}
	_, err := s.changeFunction(c.value, func(d *definition) error {
		d.Config.Reserved = nil
		return nil
	})
	return http.StatusNoContent, nil, err
}

// getAccountSettings: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
func (s *Service) getAccountSettings(*restCall) (int, any, error) {
	type limits struct {
		TotalCodeSize                  int64 `json:"TotalCodeSize"`
		CodeSizeUnzipped               int64 `json:"CodeSizeUnzipped"`
		CodeSizeZipped                 int64 `json:"CodeSizeZipped"`
		ConcurrentExecutions           int   `json:"ConcurrentExecutions"`
		UnreservedConcurrentExecutions int   `json:"UnreservedConcurrentExecutions"`
	}
	type usage struct {
		TotalCodeSize int64 `json:"TotalCodeSize"`
		FunctionCount int   `json:"FunctionCount"`
	}
	var used usage
	for _, d := range s.sortedDefinitions() {
		used.TotalCodeSize += d.CodeSize
		used.FunctionCount++
	}
	const totalCodeSize = 75 << 30
	return http.StatusOK, struct {
		AccountLimit limits `json:"AccountLimit"`
		AccountUsage usage  `json:"AccountUsage"`
	}{limits{totalCodeSize, maxUnzipped, maxZipped, s.opts.AccountConcurrency, s.unreserved("")}, used}, nil
}
