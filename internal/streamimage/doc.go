// Package streamimage turns the images of a DynamoDB stream's record into items, and
// back. Lambda's Go library and the SDK have a type of their own for the same thing.
package streamimage
