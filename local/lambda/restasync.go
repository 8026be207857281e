package lambda

import (
	"net/http"
	"time"
)

type destinationIO struct {
	Destination string `json:"Destination,omitempty"`
}

type destinationsIO struct {
	OnSuccess *destinationIO `json:"OnSuccess,omitempty"`
	OnFailure *destinationIO `json:"OnFailure,omitempty"`
}

type asyncConfigIO struct {
	MaximumRetryAttempts     *int            `json:"MaximumRetryAttempts,omitempty"`
	MaximumEventAgeInSeconds *int            `json:"MaximumEventAgeInSeconds,omitempty"`
	DestinationConfig        *destinationsIO `json:"DestinationConfig,omitempty"`
}

type asyncConfigOut struct {
	asyncConfigIO
	FunctionArn  string  `json:"FunctionArn"`
	LastModified float64 `json:"LastModified"` // s
}

// applyAsync puts the settings of a call into a function's, with AWS's refusals.
func (s *Service) applyAsync(in *asyncConfigIO, d *definition, a *AsyncConfig) error {
	if n := in.MaximumRetryAttempts; n != nil {
		if err := outOfRange("maximumRetryAttempts", *n, 0, maxAsyncRetries); err != nil {
			return err
		}
		a.MaxRetries = n
	}
	if n := in.MaximumEventAgeInSeconds; n != nil {
		if err := outOfRange("maximumEventAgeInSeconds", *n, 60, int(maxEventAge/time.Second)); err != nil {
			return err
		}
		a.MaxEventAge = time.Duration(*n) * time.Second
	}
	if to := in.DestinationConfig; to != nil {
		if to.OnSuccess != nil {
			a.OnSuccessARN = to.OnSuccess.Destination
		}
		if to.OnFailure != nil {
			a.OnFailureARN = to.OnFailure.Destination
		}
	}
	for _, arn := range []string{a.OnSuccessARN, a.OnFailureARN} {
		if err := s.checkDestination(d, arn); err != nil {
			return err
		}
	}
	a.Modified = s.now()
	return nil
}

// checkDestination refuses a destination that AWS refuses: of another kind, the
// function itself, or one that the function's role may not use.
func (s *Service) checkDestination(d *definition, arn string) error {
	if arn == "" {
		return nil
	}
	a, _ := parseARN(arn)
	action := destinationAction(arn)
	switch {
	case a.service == "sns" || a.service == "s3":
		return notServed("A destination of " + a.service)
	case action == "":
		return badParameter("The provided destination config DestinationConfig(onSuccess/onFailure) is invalid: %s is not the ARN of an SQS queue, a Lambda function or an EventBridge bus", arn)
	case a.service == "sqs" && s.opts.Queues == nil, a.service == "events" && s.opts.Buses == nil:
		return notServed("A destination without its service")
	case arn == d.Config.ARN || arn == d.Config.ARN+":"+latest:
		return badParameter("You can't specify the function as a destination for itself.")
	}
	if denied := s.mayTell(d.Config.RoleARN, arn); denied != nil {
		_, call := cutAction(action)
		return badParameter("The function execution role does not have permissions to call %s on %s (local runtime: %s)", call, arn, denied.Explain())
	}
	return nil
}

func describeAsync(d *definition) asyncConfigOut {
	a := d.Config.Async
	out := asyncConfigOut{FunctionArn: d.Config.ARN + ":" + latest, LastModified: float64(a.Modified.UnixMilli()) / 1000}
	out.MaximumRetryAttempts = a.MaxRetries
	if a.MaxEventAge > 0 {
		age := int(a.MaxEventAge / time.Second)
		out.MaximumEventAgeInSeconds = &age
	}
	out.DestinationConfig = &destinationsIO{&destinationIO{a.OnSuccessARN}, &destinationIO{a.OnFailureARN}}
	return out
}

// putAsyncConfig: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
func (s *Service) putAsyncConfig(c *restCall) (int, any, error) { return s.setAsyncConfig(c, true) }

// updateAsyncConfig: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionEventInvokeConfig.html
func (s *Service) updateAsyncConfig(c *restCall) (int, any, error) { return s.setAsyncConfig(c, false) }

func (s *Service) setAsyncConfig(c *restCall, afresh bool) (int, any, error) {
	var in asyncConfigIO
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	found, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	d, err := s.changeFunction(found.Config.Name, func(d *definition) error {
		var a AsyncConfig
		switch {
		case afresh:
		case d.Config.Async == nil:
			return noAsyncConfig(d)
		default:
			a = *d.Config.Async
		}
		if err := s.applyAsync(&in, d, &a); err != nil {
			return err
		}
		d.Config.Async = &a
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, describeAsync(d), nil
}

func noAsyncConfig(d *definition) error {
	return notFound("The function %s doesn't have an EventInvokeConfig", d.Config.ARN+":"+latest)
}

func (s *Service) getAsyncConfig(c *restCall) (int, any, error) {
	d, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	if d.Config.Async == nil {
		return 0, nil, noAsyncConfig(d)
	}
	return http.StatusOK, describeAsync(d), nil
}

func (s *Service) deleteAsyncConfig(c *restCall) (int, any, error) {
	found, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	_, err = s.changeFunction(found.Config.Name, func(d *definition) error {
		if d.Config.Async == nil {
			return noAsyncConfig(d)
		}
		d.Config.Async = nil
		return nil
	})
	return http.StatusNoContent, nil, err
}

// listAsyncConfigs lists at most one: functions have one version.
func (s *Service) listAsyncConfigs(c *restCall) (int, any, error) {
	d, err := s.unqualified(c)
	if err != nil {
		return 0, nil, err
	}
	out := struct {
		FunctionEventInvokeConfigs []asyncConfigOut `json:"FunctionEventInvokeConfigs"`
	}{[]asyncConfigOut{}}
	if d.Config.Async != nil {
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, describeAsync(d))
	}
	return http.StatusOK, out, nil
}
