package eventbridge

import (
	"maps"
	"slices"
	"strings"
)

type wireReplay struct {
	ReplayName, EventSourceArn, State string
	StateReason                       string    `json:",omitempty"`
	EventStartTime, EventEndTime      *wireTime `json:",omitempty"`
	EventLastReplayedTime             *wireTime `json:",omitempty"`
	ReplayStartTime, ReplayEndTime    *wireTime `json:",omitempty"`
}

func (r *replay) wire() wireReplay {
	return wireReplay{
		ReplayName: r.Name, EventSourceArn: r.Archive, State: r.State, StateReason: r.Reason,
		EventStartTime: moment(r.EventStart), EventEndTime: moment(r.EventEnd), EventLastReplayedTime: moment(r.LastReplayed),
		ReplayStartTime: moment(r.Started), ReplayEndTime: moment(r.Ended),
	}
}

type replayAnswer struct {
	ReplayArn, State string
	StateReason      string    `json:",omitempty"`
	ReplayStartTime  *wireTime `json:",omitempty"`
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html
func (s *Service) serveStartReplay(in *request) (any, error) {
	r, err := s.replayRequest(in)
	if err != nil {
		return nil, err
	}
	answer := replayAnswer{ReplayArn: s.replayARN(r.Name), State: replayStarting, ReplayStartTime: moment(s.opts.Now())}
	return answer, s.startReplay(r)
}

// replayRequest checks what StartReplay asks for.
func (s *Service) replayRequest(in *request) (*replay, error) {
	switch {
	case in.ReplayName == "":
		return nil, required("replayName")
	case len(in.ReplayName) > maxReplayLen || !targetID.MatchString(in.ReplayName):
		return nil, nameConstraint(in.ReplayName, "replayName", `[\.\-_A-Za-z0-9]+`, maxReplayLen)
	case in.EventSourceArn == "":
		return nil, required("eventSourceArn")
	case in.EventStartTime == nil:
		return nil, required("eventStartTime")
	case in.EventEndTime == nil:
		return nil, required("eventEndTime")
	case in.Destination == nil:
		return nil, required("destination")
	case in.Destination.Arn == "":
		return nil, required("destination.arn")
	case !in.EventStartTime.Before(in.EventEndTime.Time):
		return nil, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(in.EventSourceArn, s.archiveARN(""))
	if !ok && !strings.Contains(in.EventSourceArn, ":archive/") {
		return nil, invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
	}
	st := s.state.Load()
	a := st.archives[name]
	if a == nil {
		return nil, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
	}
	if !strings.Contains(in.Destination.Arn, ":event-bus/") {
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
	}
	b, err := s.find(in.Destination.Arn)
	if err != nil {
		return nil, err
	}
	if b.Name != a.bus {
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	for _, arn := range in.Destination.FilterArns {
		if !slices.ContainsFunc(b.sorted, func(r *rule) bool { return r.ARN == arn }) {
			return nil, invalid("Parameter Destination.FilterArns is not valid. Reason: %s is not a rule of event bus %s.", arn, b.Name)
		}
	}
	return &replay{
		Name: in.ReplayName, Description: in.Description, Archive: in.EventSourceArn, Bus: b.ARN, FilterARNs: in.Destination.FilterArns,
		EventStart: in.EventStartTime.Time, EventEnd: in.EventEndTime.Time,
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html
func (s *Service) serveCancelReplay(in *request) (any, error) {
	r, err := s.cancelReplay(in.ReplayName)
	if err != nil {
		return nil, err
	}
	return replayAnswer{ReplayArn: s.replayARN(r.Name), State: r.State, StateReason: r.Reason}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html
func (s *Service) describeReplay(in *request) (any, error) {
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	r := s.replays[in.ReplayName]
	if r == nil {
		return nil, notFound("Replay %s does not exist.", in.ReplayName)
	}
	return struct {
		wireReplay
		ReplayArn   string
		Description string `json:",omitempty"`
		Destination wireDestination
	}{r.wire(), s.replayARN(r.Name), r.Description, wireDestination{r.Bus, r.FilterARNs}}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListReplays.html
func (s *Service) listReplays(in *request) (any, error) {
	if err := oneFilter(in.NamePrefix, in.EventSourceArn, in.State); err != nil {
		return nil, err
	}
	s.replaysMu.Lock()
	var all []wireReplay
	for _, name := range slices.Sorted(maps.Keys(s.replays)) {
		r := s.replays[name]
		if strings.HasPrefix(name, in.NamePrefix) && (in.State == "" || in.State == r.State) && (in.EventSourceArn == "" || in.EventSourceArn == r.Archive) {
			all = append(all, r.wire())
		}
	}
	s.replaysMu.Unlock()
	page, next, err := paginate(all, in)
	return struct {
		Replays   []wireReplay
		NextToken string `json:",omitempty"`
	}{page, next}, err
}
