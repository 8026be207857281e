// Package stacklock keeps which stack each subscription is in. CloudFormation takes
// 500 resources a stack, so a group of many subscriptions is divided over several;
// and a queue has a name, which two stacks cannot both have: a deployed
// subscription that moves to another stack cannot be deployed. So where a subscription
// is may not follow from which others there are.
//
// A group that has always fitted into one stack needs no lock: all of it is there. From
// then on stacks.lock says it, one subscription a line. It is committed, and
// written by `vinci stacks lock`, never by a synthesis: what was not committed
// would be forgotten. What is in it stays where it is, whatever else comes or goes; what
// is new goes to the first stack of its group with room.
//
// [Assign] says where everything is, and what has to be locked first; [Assignment.Lock]
// is the lock that says so.
package stacklock
