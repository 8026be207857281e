package orm

// IndexDefinition is a secondary index, whatever the types of its table and keys:
// what a grant names. Every [Index] is one.
type IndexDefinition interface {
	// Definition is that of the index's table; nil for a variable that was never
	// set.
	Definition() Definition
	// IndexName is the index's name; empty when its table is defined wrong.
	IndexName() string
}

// Definition implements [IndexDefinition].
func (ix *Index[T, H, S]) Definition() Definition {
	if ix == nil {
		return nil
	}
	return ix.table
}

// IndexName implements [IndexDefinition].
func (ix *Index[T, H, S]) IndexName() string {
	if ix == nil || ix.schema == nil {
		return ""
	}
	return ix.schema.Name
}
