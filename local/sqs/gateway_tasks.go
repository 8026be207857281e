package sqs

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/local/gateway"
)

// maxTaskRate is how many messages a second a task can be told to move.
const maxTaskRate = 500

type startTaskInput struct {
	SourceArn, DestinationArn    string
	MaxNumberOfMessagesPerSecond *int
}

type startTaskOutput struct{ TaskHandle string }

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
func (s *Service) startMessageMoveTask(_ context.Context, _ gateway.Caller, in startTaskInput) (startTaskOutput, error) {
	s.apply.Lock()
	defer s.apply.Unlock()
	r := taskRecord{Source: in.SourceArn, Destination: in.DestinationArn, Status: taskRunning, Started: s.opts.Now(), Last: s.sequence.Load()}
	if n := in.MaxNumberOfMessagesPerSecond; n != nil {
		if r.Rate = *n; r.Rate < 1 || r.Rate > maxTaskRate {
			return startTaskOutput{}, errRange("MaxNumberOfMessagesPerSecond", r.Rate, 1, maxTaskRate)
		}
	}
	q, err := s.taskQueues(in.SourceArn, in.DestinationArn)
	if err != nil {
		return startTaskOutput{}, err
	}
	old := s.tasks.of(q.id)
	for _, t := range old {
		if t.state().Status == taskRunning {
			return startTaskOutput{}, errValue("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	if r.ID, err = s.newMessageID(); err != nil {
		return startTaskOutput{}, err
	}
	q.mu.Lock()
	r.ToMove, _, _ = q.counts(r.Started)
	q.mu.Unlock()
	t := newTask(q.id, r)
	o, err := t.write(r)
	if err != nil {
		return startTaskOutput{}, err
	}
	ops := []op{o}
	for len(old) >= keptTasks {
		ops = append(ops, op{bucket: tasksBucket, key: old[0].key()})
		old = old[1:]
	}
	if err := s.committer.commit(ops...); err != nil {
		return startTaskOutput{}, fmt.Errorf("storing a message move task: %w", err)
	}
	s.tasks.mu.Lock()
	s.tasks.bySource[q.id] = append(old, t)
	s.tasks.mu.Unlock()
	t.mu.Lock()
	s.work(t)
	t.mu.Unlock()
	return startTaskOutput{TaskHandle: r.handle()}, nil
}

// taskQueues finds a task's source, and refuses what no task can do.
func (s *Service) taskQueues(source, destination string) (*queue, error) {
	q, c, err := s.taskSource(source)
	if err != nil {
		return nil, err
	}
	if len(s.sources(source)) == 0 {
		return nil, errValue("Source queue must be configured as a Dead Letter Queue.")
	}
	if destination == "" {
		return q, nil
	}
	_, to, err := s.find(destination)
	switch {
	case IsQueueDoesNotExist(err):
		return nil, errNoResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
	case err != nil:
		return nil, err
	case destination == source:
		return nil, errValue("Value %s for parameter DestinationArn is invalid. Reason: Source and destination queues must be different.", destination)
	case to.FIFO != c.FIFO:
		return nil, errValue("Value %s for parameter DestinationArn is invalid. Reason: Source and destination queues must be of the same type.", destination)
	}
	return q, nil
}

func (s *Service) taskSource(arn string) (*queue, *QueueConfig, error) {
	switch {
	case arn == "":
		return nil, nil, errMissing("SourceArn")
	case !isQueueARN(arn):
		return nil, nil, errValue("You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>")
	}
	q, c, err := s.find(arn)
	if IsQueueDoesNotExist(err) {
		err = errNoResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	return q, c, err
}

// state is a copy of the task as it is now.
func (t *task) state() taskRecord {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.record
}

// taskHandle is what a handle says, in JSON and base64.
type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func (r *taskRecord) handle() string {
	return base64.StdEncoding.EncodeToString([]byte(mustJSON(taskHandle{r.ID, r.Source})))
}

func readTaskHandle(text string) (h taskHandle, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &h) != nil {
		return taskHandle{}, false
	}
	return h, h.TaskID != "" && h.SourceARN != ""
}

type cancelTaskInput struct{ TaskHandle string }

type cancelTaskOutput struct{ ApproximateNumberOfMessagesMoved int }

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html
func (s *Service) cancelMessageMoveTask(_ context.Context, _ gateway.Caller, in cancelTaskInput) (cancelTaskOutput, error) {
	if in.TaskHandle == "" {
		return cancelTaskOutput{}, errMissing("TaskHandle")
	}
	h, ok := readTaskHandle(in.TaskHandle)
	if !ok {
		return cancelTaskOutput{}, errValue("Value for parameter TaskHandle is invalid.")
	}
	q, _, err := s.taskSource(h.SourceARN)
	if err != nil {
		return cancelTaskOutput{}, err
	}
	for _, t := range s.tasks.of(q.id) {
		if t.id != h.TaskID {
			continue
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.record.Status != taskRunning {
			break
		}
		next := t.record
		next.Status = taskCancelled
		o, err := t.write(next)
		if err == nil {
			err = s.committer.commit(o)
		}
		if err != nil {
			return cancelTaskOutput{}, fmt.Errorf("storing a message move task: %w", err)
		}
		t.record = next
		t.stop()
		return cancelTaskOutput{next.Moved}, nil
	}
	return cancelTaskOutput{}, errNoResource("Task does not exist.")
}

type listTasksInput struct {
	SourceArn  string
	MaxResults *int
}

type taskResult struct {
	TaskHandle                        string `json:",omitempty"`
	Status                            string
	SourceArn                         string
	DestinationArn                    string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitempty"`
	StartedTimestamp                  int64
}

type listTasksOutput struct {
	Results []taskResult `json:",omitempty"`
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html
func (s *Service) listMessageMoveTasks(_ context.Context, _ gateway.Caller, in listTasksInput) (listTasksOutput, error) {
	q, _, err := s.taskSource(in.SourceArn)
	if err != nil {
		return listTasksOutput{}, err
	}
	n := 1
	if in.MaxResults != nil {
		if n = *in.MaxResults; n < 1 || n > keptTasks {
			return listTasksOutput{}, errRange("MaxResults", n, 1, keptTasks)
		}
	}
	var out listTasksOutput
	for _, t := range slices.Backward(s.tasks.of(q.id)) {
		if len(out.Results) == n {
			break
		}
		r := t.state()
		result := taskResult{Status: r.Status, SourceArn: r.Source, DestinationArn: r.Destination, MaxNumberOfMessagesPerSecond: r.Rate,
			ApproximateNumberOfMessagesMoved: r.Moved, ApproximateNumberOfMessagesToMove: r.ToMove, FailureReason: r.Failure, StartedTimestamp: r.Started.UnixMilli()}
		if r.Status == taskRunning {
			result.TaskHandle = r.handle()
		}
		out.Results = append(out.Results, result)
	}
	return out, nil
}

// configs are the configurations of all queues, by name.
func (s *Service) configs() []*QueueConfig {
	all := s.all()
	configs := make([]*QueueConfig, 0, len(all))
	for _, c := range all {
		configs = append(configs, c)
	}
	slices.SortFunc(configs, func(a, b *QueueConfig) int { return cmp.Compare(a.Name, b.Name) })
	return configs
}

// sources are the queues that have the one with that ARN as dead-letter queue.
func (s *Service) sources(deadLetterARN string) []*QueueConfig {
	return slices.DeleteFunc(s.configs(), func(c *QueueConfig) bool { return c.DeadLetterARN != deadLetterARN })
}
