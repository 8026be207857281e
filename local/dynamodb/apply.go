package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// atOnce is how many tables are made or changed in parallel. The engine writes
	// one after the other; the gain is in the waiting between requests.
	atOnce = 4

	activeInterval = 5 * time.Millisecond
	activeWithin   = 30 * time.Second
)

// Apply makes the tables what the configs say: it creates those that are missing,
// adds and removes indexes one by one, and changes stream and TTL. It may be called
// again at any time, and does nothing to a table that is as it should be. Tables
// that no config names are left alone: data is deleted by hand only.
//
// A changed key or local index is of kind [ErrCannotChange]: DynamoDB has no such
// change. All tables are tried, and all errors reported together.
func (s *Service) Apply(ctx context.Context, tables []TableConfig) error {
	errs := make([]error, len(tables))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range tables {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = s.applyTable(ctx, &tables[i])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *Service) applyTable(ctx context.Context, t *TableConfig) error {
	if err := t.check(); err != nil {
		return err
	}
	is, err := s.describe(ctx, t.Name)
	if isCode(err, "ResourceNotFoundException") {
		if err := s.client.call(ctx, targetTables, "CreateTable", t.wire(), nil); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		is, err = s.active(ctx, t.Name)
	}
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	if err := cannotChange(t, is); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *TableConfig, *wireTable) error{s.applyIndexes, s.applyStream, s.applyTTL} {
		if err := step(ctx, t, is); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	s.streams.forget(t.Name)
	s.tables.set(t)
	return nil
}

func (s *Service) describe(ctx context.Context, table string) (*wireTable, error) {
	var out struct{ Table wireTable }
	if err := s.client.call(ctx, targetTables, "DescribeTable", map[string]string{"TableName": table}, &out); err != nil {
		return nil, err
	}
	return &out.Table, nil
}

// active waits until the table and its indexes are.
func (s *Service) active(ctx context.Context, table string) (*wireTable, error) {
	ctx, cancel := context.WithTimeout(ctx, activeWithin)
	defer cancel()
	tick := time.NewTicker(activeInterval)
	defer tick.Stop()
	for {
		is, err := s.describe(ctx, table)
		if err != nil {
			return nil, err
		}
		waiting := is.TableStatus != "ACTIVE" || slices.ContainsFunc(is.GlobalSecondaryIndexes, func(i wireIndex) bool { return i.IndexStatus != "ACTIVE" })
		if !waiting {
			return is, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("it is still %s: %w", is.TableStatus, ctx.Err())
		case <-tick.C:
		}
	}
}

// cannotChange compares what no UpdateTable changes.
func cannotChange(t *TableConfig, is *wireTable) error {
	var found []string
	if want, got := t.key(t.Key), is.key(is.KeySchema); want != got {
		found = append(found, fmt.Sprintf("its key is %s and should be %s", got, want))
	}
	names := map[string]bool{}
	for _, i := range t.LocalIndexes {
		names[i.Name] = true
		n := slices.IndexFunc(is.LocalSecondaryIndexes, func(w wireIndex) bool { return w.IndexName == i.Name })
		switch {
		case n < 0:
			found = append(found, fmt.Sprintf("local index %s is missing", i.Name))
		case t.index(i.wire()) != is.index(is.LocalSecondaryIndexes[n]):
			found = append(found, fmt.Sprintf("local index %s is %s and should be %s", i.Name, is.index(is.LocalSecondaryIndexes[n]), t.index(i.wire())))
		}
	}
	for _, w := range is.LocalSecondaryIndexes {
		if !names[w.IndexName] {
			found = append(found, fmt.Sprintf("local index %s should not be there", w.IndexName))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("table %s: %w: %s: DynamoDB changes neither keys nor local indexes of a table that exists: "+
		"empty the local data folder and start again, or give the table another name", t.Name, ErrCannotChange, strings.Join(found, "; "))
}

// key is a key in one line, with types: "user_id S, at N".
func (t *TableConfig) key(key []KeyElement) string {
	return keyText(key, func(a string) string { return t.Attributes[a] })
}

func (w *wireTable) key(key []KeyElement) string {
	return keyText(key, func(a string) string {
		for _, d := range w.AttributeDefinitions {
			if d.AttributeName == a {
				return d.AttributeType
			}
		}
		return "?"
	})
}

func keyText(key []KeyElement, typeOf func(string) string) string {
	var parts []string
	for _, k := range key {
		parts = append(parts, k.AttributeName+" "+typeOf(k.AttributeName)+" "+k.KeyType)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func (t *TableConfig) index(i wireIndex) string { return t.key(i.KeySchema) + i.projection() }
func (w *wireTable) index(i wireIndex) string   { return w.key(i.KeySchema) + i.projection() }

func (i wireIndex) projection() string {
	include := slices.Sorted(slices.Values(i.Projection.NonKeyAttributes))
	return " " + strings.TrimSpace(i.Projection.ProjectionType+" "+strings.Join(include, ","))
}

// applyIndexes makes one change at a time: DynamoDB takes no more in a call.
func (s *Service) applyIndexes(ctx context.Context, t *TableConfig, is *wireTable) error {
	want := map[string]string{}
	for _, i := range t.GlobalIndexes {
		want[i.Name] = t.index(i.wire())
	}
	got := map[string]string{}
	for _, i := range is.GlobalSecondaryIndexes {
		if got[i.IndexName] = is.index(i); got[i.IndexName] == want[i.IndexName] {
			continue
		}
		if err := s.updateIndex(ctx, t, "Delete", map[string]string{"IndexName": i.IndexName}, nil); err != nil {
			return fmt.Errorf("remove index %s: %w", i.IndexName, err)
		}
	}
	for _, i := range t.GlobalIndexes {
		if got[i.Name] == want[i.Name] {
			continue
		}
		definitions := merge(t.definitions(t.Key), t.definitions(i.Key))
		if err := s.updateIndex(ctx, t, "Create", i.wire(), definitions); err != nil {
			return fmt.Errorf("add index %s: %w", i.Name, err)
		}
	}
	return nil
}

func (s *Service) updateIndex(ctx context.Context, t *TableConfig, change string, index any, definitions []wireAttribute) error {
	in := map[string]any{"TableName": t.Name, "GlobalSecondaryIndexUpdates": []any{map[string]any{change: index}}}
	if definitions != nil {
		in["AttributeDefinitions"] = definitions
	}
	if err := s.client.call(ctx, targetTables, "UpdateTable", in, nil); err != nil {
		return err
	}
	_, err := s.active(ctx, t.Name)
	return err
}

// applyStream turns the stream on or off. Another view means off and on again: a
// new stream, whose readers begin anew.
func (s *Service) applyStream(ctx context.Context, t *TableConfig, is *wireTable) error {
	got := ""
	if is.StreamSpecification != nil && is.StreamSpecification.StreamEnabled {
		got = is.StreamSpecification.StreamViewType
	}
	if got == t.Stream {
		return nil
	}
	var steps []wireStream
	if got != "" {
		steps = append(steps, wireStream{})
	}
	if t.Stream != "" {
		steps = append(steps, wireStream{StreamEnabled: true, StreamViewType: t.Stream})
	}
	for _, step := range steps {
		if err := s.client.call(ctx, targetTables, "UpdateTable", map[string]any{"TableName": t.Name, "StreamSpecification": step}, nil); err != nil {
			return fmt.Errorf("change its stream from %q to %q: %w", got, t.Stream, err)
		}
		if _, err := s.active(ctx, t.Name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) applyTTL(ctx context.Context, t *TableConfig, _ *wireTable) error {
	var out struct {
		TimeToLiveDescription struct{ TimeToLiveStatus, AttributeName string }
	}
	if err := s.client.call(ctx, targetTables, "DescribeTimeToLive", map[string]string{"TableName": t.Name}, &out); err != nil {
		return err
	}
	got := ""
	if d := out.TimeToLiveDescription; d.TimeToLiveStatus == "ENABLED" || d.TimeToLiveStatus == "ENABLING" {
		got = d.AttributeName
	}
	if got == t.TTLAttribute {
		return nil
	}
	for _, step := range []struct {
		attribute string
		enabled   bool
	}{{got, false}, {t.TTLAttribute, true}} {
		if step.attribute == "" {
			continue
		}
		in := map[string]any{"TableName": t.Name, "TimeToLiveSpecification": map[string]any{"AttributeName": step.attribute, "Enabled": step.enabled}}
		if err := s.client.call(ctx, targetTables, "UpdateTimeToLive", in, nil); err != nil {
			return fmt.Errorf("change its TTL attribute from %q to %q: %w", got, t.TTLAttribute, err)
		}
	}
	return nil
}
