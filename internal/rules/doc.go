// Package rules runs the validate tags of a struct's fields: those of
// github.com/go-playground/validator/v10, for whoever stores or sends the struct.
//
// It adds two things. [Try] finds a tag that is written wrong when the program
// starts, where the validator panics at the first value. [Quick] accepts nearly
// every right value without asking the validator, which takes about as long as
// encoding it.
//
// One rule is refused: validateFn calls methods by name, which makes the linker
// keep every method of every type.
package rules
