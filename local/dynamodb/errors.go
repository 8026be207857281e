package dynamodb

import "errors"

// The kinds of this package's errors.
var (
	// ErrNoEngine: the engine's program is not where it should be.
	ErrNoEngine = errors.New("the DynamoDB engine is missing")
	// ErrInUse: another living process has the database file.
	ErrInUse = errors.New("the data folder is in use")
	// ErrEngineDied: the engine ended without being told to.
	ErrEngineDied = errors.New("the DynamoDB engine ended")
	// ErrClosed: the service was closed.
	ErrClosed = errors.New("the DynamoDB service is closed")
	// ErrCannotChange: a table differs from its definition in what DynamoDB cannot
	// change.
	ErrCannotChange = errors.New("the table cannot be changed")
	// ErrNoStream: the table has no stream, or does not exist.
	ErrNoStream = errors.New("no stream")
)
