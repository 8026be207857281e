package ormtest_test

import (
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestEngineConformance(t *testing.T) {
	e := ormtest.StartEngine(t)
	ormtest.Conformance(t, func(t *testing.T, tables ...orm.Definition) orm.Store { return e.Store(t, tables...) })
}
