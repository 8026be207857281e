// Package tables defines the application's tables, one file a table.
//
// A definition is a value: it holds no client and opens no connection. The CDK app
// makes the table from it, the functions read and write with it, and the local
// runtime creates it on the laptop.
package tables
