package gateway

import (
	"strconv"
	"time"
)

// globalKeys adds the condition keys that every call has, whatever the service.
// aws:SecureTransport is package iam's.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (g *gateway) globalKeys(c Caller, more func(string) ([]string, bool)) func(string) ([]string, bool) {
	return func(key string) ([]string, bool) {
		value := ""
		switch key {
		case "aws:principalarn":
			value = c.RoleARN
		case "aws:principalaccount", "aws:resourceaccount":
			value = c.account()
		case "aws:principaltype":
			value = "AssumedRole"
		case "aws:userid":
			value = c.AccessKeyID + ":" + c.Session
		case "aws:requestedregion":
			value = g.Region
		case "aws:currenttime":
			value = g.Now().UTC().Format(time.RFC3339)
		case "aws:epochtime":
			value = strconv.FormatInt(g.Now().Unix(), 10)
		case "aws:viaawsservice", "aws:principalisawsservice":
			value = "false"
		default:
			if more != nil {
				return more(key)
			}
			return nil, false
		}
		return []string{value}, true
	}
}
