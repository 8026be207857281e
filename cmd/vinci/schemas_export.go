package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/definitions"
)

// The formats of an export.
const (
	formatJSONSchema = "jsonschema"
	formatAsyncAPI   = "asyncapi"

	asyncAPIFile = "asyncapi.json"
)

func (w *where) newSchemasExport() *cobra.Command {
	var format, out, version string
	var internal bool
	cmd := &cobra.Command{
		Use:   "export --format " + formatJSONSchema + "|" + formatAsyncAPI,
		Short: "Tell others what the application publishes",
		Long: `Writes what others may know of the application's events: those that it makes public,
in their outward shape, with the envelope around the data, in every version that was
agreed (` + schema.Dir + `/).

  jsonschema  JSON Schema 2020-12. With --out a file for each version of an event, else
              one document of which each event is an alternative.
  asyncapi    an AsyncAPI 3.0 document in JSON, with what the application receives as
              well. With --out the file ` + asyncAPIFile + `, else on standard output.

The same definitions give the same bytes.`,
		Example: "  vinci schemas export --format asyncapi > asyncapi.json\n  vinci schemas export --format jsonschema --out contract",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != formatJSONSchema && format != formatAsyncAPI {
				return fmt.Errorf("--format %q: allowed are %s and %s", format, formatJSONSchema, formatAsyncAPI)
			}
			app, err := w.sources(cmd)
			if err != nil {
				return err
			}
			x, err := app.export()
			if err != nil {
				return err
			}
			x.Version, x.Internal = version, internal
			var files []schema.ExportedFile
			switch {
			case format == formatAsyncAPI:
				b, err := x.AsyncAPI()
				if err != nil {
					return err
				}
				files = []schema.ExportedFile{{Name: asyncAPIFile, Schema: b}}
			case out == "":
				b, err := x.JSONSchema()
				if err != nil {
					return err
				}
				files = []schema.ExportedFile{{Schema: b}}
			default:
				if files, err = x.JSONSchemas(); err != nil {
					return err
				}
			}
			if out == "" {
				_, err := cmd.OutOrStdout().Write(files[0].Schema)
				return err
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return fmt.Errorf("--out: %w", err)
			}
			for _, f := range files {
				if err := os.WriteFile(filepath.Join(out, f.Name), f.Schema, 0o644); err != nil {
					return fmt.Errorf("--out: %w", err)
				}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s written to %s\n", plural(int64(len(files)), "file"), out)
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&format, "format", "", "`FORMAT`: "+formatJSONSchema+" or "+formatAsyncAPI)
	fl.StringVar(&out, "out", "", "`FOLDER` for the files (default standard output)")
	fl.StringVar(&version, "version", "", "`VERSION` of the AsyncAPI document (default 1.0.0)")
	fl.BoolVar(&internal, "internal", false, "also what others do not see: the inner shape of every event, and the subscriptions to them")
	return cmd
}

// export is what there is to tell of the application's events.
func (a *application) export() (*schema.Export, error) {
	x := &schema.Export{
		Application: a.name, Bus: a.name, Source: a.name, PublicSource: eventlog.PublicSource(a.name),
		Events: a.events, Agreed: filepath.Join(a.dir, schema.Dir),
	}
	if a.bus != nil {
		x.Bus = a.bus.Application
	}
	for _, s := range a.subscriptions {
		r := schema.Receive{Subscription: s.Name, Application: a.name, Source: a.name, Bus: x.Bus}
		events := a.events
		if s.From != "" {
			i := slices.IndexFunc(a.foreign, func(f *definitions.Foreign) bool { return f.Application == s.From })
			if i < 0 {
				return nil, fmt.Errorf("subscription %s: the app tells of no events of %s", s.Name, s.From)
			}
			events = a.foreign[i].Events
			r.Application, r.Source, r.Bus, r.Public = s.From, eventlog.PublicSource(s.From), a.foreign[i].Bus, true
		}
		for _, e := range events {
			wants, err := wantsType(s, e.Name)
			if err != nil {
				return nil, fmt.Errorf("subscription %s: %w", s.Name, err)
			}
			if wants {
				r.Events = append(r.Events, e)
			}
		}
		x.Receives = append(x.Receives, r)
	}
	return x, nil
}

// wantsType reports whether a subscription asks for events of a type, or some of them.
func wantsType(s *definitions.Subscription, name string) (bool, error) {
	for _, text := range s.Patterns {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return false, err
		}
		types, ok := members["detail-type"]
		if !ok {
			return true, nil
		}
		p, err := pattern.Compile(fmt.Appendf(nil, `{"detail-type":%s}`, types))
		if err != nil {
			return false, err
		}
		body, err := json.Marshal(map[string]string{"detail-type": name})
		if err != nil {
			return false, err
		}
		picked, err := pattern.NewSet(p).Match(body, nil)
		if err != nil || len(picked) > 0 {
			return len(picked) > 0, err
		}
	}
	return false, nil
}
