package schema

// ExportedFile is a JSON Schema of one version of an event.
type ExportedFile struct {
	Name   string // order.placed.v2.json
	Schema []byte
}

// JSONSchemas are JSON Schemas of the events that the application sends, one for each
// version: of the whole detail of an EventBridge event, which is the envelope with the
// data. Order is by event and version. Without any it is [ErrNothing].
func (x *Export) JSONSchemas() ([]ExportedFile, error) {
	all, err := x.sent()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNothing
	}
	var files []ExportedFile
	for _, m := range all {
		s := m.standalone()
		s["$schema"] = dialect
		b, err := write(s)
		if err != nil {
			return nil, err
		}
		files = append(files, ExportedFile{m.name + ".json", b})
	}
	return files, nil
}

// JSONSchema is one JSON Schema of all of them: an event of the application is one of its
// alternatives.
func (x *Export) JSONSchema() ([]byte, error) {
	all, err := x.sent()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNothing
	}
	defs, alternatives := object{}, []any{}
	for _, m := range all {
		defs[m.name] = m.standalone()
		alternatives = append(alternatives, object{"$ref": "#/$defs/" + m.name})
	}
	return write(object{
		"$schema": dialect, "$id": "urn:vinci:events:" + x.Application, "title": "Events of " + x.Application,
		"$defs": defs, "oneOf": alternatives,
	})
}

// standalone is the schema of the envelope with that of the data inside. The data's is a
// document of its own, with the name that events have for it, so that its references stay
// what they are.
func (m *message) standalone() object {
	data := *m.data
	data.Dialect = ""
	return m.envelope(struct {
		ID string `json:"$id"`
		*node
	}{m.dataSchema(), &data})
}
