// Command smoke tries a deployment of the reference application through its HTTP API:
// it registers a user, activates her, and waits until every subscription has handled
// both events. It exits with 1 when anything of that does not work.
//
//	go run ./scenario/smoke --outputs outputs.json          the file of cdk deploy --outputs-file
//	go run ./scenario/smoke --url https://abc.execute-api.eu-west-1.amazonaws.com
//	go run ./scenario/smoke                                 asks CloudFormation for the address
//
// Which deployment it is say VINCI_APP and VINCI_DEPLOYMENT, or --deployment. Of AWS it
// needs dynamodb:Query on the table of delivery records, and without an address
// cloudformation:DescribeStacks on the API's stack.
//
// # What it leaves behind
//
// A user cannot be deleted. Each run leaves one, whose address begins with "smoke+" and
// belongs to example.com, which no mail reaches (RFC 2606), and the statistics count
// her.
package main
